package expression

import (
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

const (
	// bytesPerCost is how many bytes of text cost as much as a step.
	bytesPerCost = 10
	// valueCost is how many steps a value costs that is compared.
	valueCost = 5
)

// prices are the costs of calls: a step, and what it reads and makes. Those of the
// library do not know the sizes of values whose types are dynamic.
type prices struct{}

// CallCost is what a call cost.
func (prices) CallCost(function, _ string, args []ref.Val, result ref.Val) *uint64 {
	cost := 1 + textCost(result)
	for _, arg := range args {
		cost += textCost(arg)
	}
	switch function {
	case operators.Equals, operators.NotEquals, operators.In:
		cost += comparisonCost(function, args)
	case matches:
		cost += matchCost(args)
	case split:
		if list, ok := result.(traits.Lister); ok {
			cost += uint64(list.Size().(types.Int))
		}
	}
	return &cost
}

// comparisonCost is that of the values that are compared, at most maxCost+1: values
// may hold others many times, so that nobody could count them all.
func comparisonCost(function string, args []ref.Val) uint64 {
	right := args[1]
	if function == operators.In {
		if _, isMap := right.(traits.Mapper); isMap {
			return 1
		}
		return deepCost(right, maxCost+1)
	}
	return deepCost(right, deepCost(args[0], maxCost+1))
}

// deepCost is the cost of v and all in it, at most limit.
func deepCost(v ref.Val, limit uint64) uint64 {
	cost := valueCost + textCost(v)
	add := func(part ref.Val) {
		if cost < limit {
			cost += deepCost(part, limit-cost)
		}
	}
	switch v := v.(type) {
	case traits.Lister:
		for it := v.Iterator(); cost < limit && it.HasNext() == types.True; {
			add(it.Next())
		}
	case traits.Mapper:
		for it := v.Iterator(); cost < limit && it.HasNext() == types.True; {
			key := it.Next()
			add(key)
			add(v.Get(key))
		}
	}
	return min(cost, limit)
}

// textCost is the cost of a text, 0 for other values.
func textCost(v ref.Val) uint64 {
	switch v := v.(type) {
	case types.String:
		return uint64(len(v)) / bytesPerCost
	case types.Bytes:
		return uint64(len(v)) / bytesPerCost
	}
	return 0
}
