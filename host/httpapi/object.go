package httpapi

import "bytes"

// object is a JSON object whose members have an order. A nil value is null.
type object []member

type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) { return o.encode(",", ":") }

// encode writes the members in their order, with these between them.
func (o object) encode(comma, colon string) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteString(comma)
		}
		name, err := encodeJSON(m.name)
		if err != nil {
			return nil, err
		}
		value, err := encodeJSON(m.value)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteString(colon)
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// withoutNulls leaves out the members that are null.
func (o object) withoutNulls() object {
	kept := make(object, 0, len(o))
	for _, m := range o {
		if m.value != nil {
			kept = append(kept, m)
		}
	}
	return kept
}

// set replaces the member of that name, or adds it.
func (o *object) set(m member) {
	for i := range *o {
		if (*o)[i].name == m.name {
			(*o)[i] = m
			return
		}
	}
	*o = append(*o, m)
}

// orNull is v, or null for the zero value.
func orNull[T comparable](v T) any {
	var zero T
	if v == zero {
		return nil
	}
	return v
}

// listOrNull is list, or null when it is empty.
func listOrNull[T any](list []T) any {
	if len(list) == 0 {
		return nil
	}
	return list
}

// nothing is an empty list.
func nothing() []struct{} { return []struct{}{} }
