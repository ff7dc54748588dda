package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
	"github.com/snaphook-dev/snaphook/host/hook"
	"github.com/snaphook-dev/snaphook/host/model"
	"github.com/snaphook-dev/snaphook/host/schema"
)

// outputSchema is what the content of a run must fit, nil for anything: the
// request's schema goes before the agent's.
func outputSchema(agent *host.Agent, req *host.RunRequest) json.RawMessage {
	if req.OutputSchema != nil {
		return req.OutputSchema
	}
	return agent.OutputSchema
}

// maxShownProblems bounds how many problems a message names.
const maxShownProblems = 5

// compileSchema names what is wrong with a schema in one line.
func compileSchema(raw json.RawMessage) (*schema.Schema, error) {
	compiled, err := schema.CompileOutput(raw)
	if refused, ok := errors.AsType[*host.Error](err); ok {
		return nil, &host.Error{
			Code: refused.Code, Field: "output_schema", Err: err,
			Message: "output_schema is not a schema that can be used: " + listed(refused.Problems),
		}
	}
	return compiled, err
}

// listed writes the first problems in one line.
func listed(problems []host.Problem) string {
	var lines []string
	for _, p := range problems[:min(len(problems), maxShownProblems)] {
		lines = append(lines, p.String())
	}
	if more := len(problems) - maxShownProblems; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "; ")
}

// structured makes the model's answer an object that fits the schema. What does
// not fit goes back to the model once, with what is wrong; that exchange is not
// stored.
func (x *execution) structured(ctx context.Context, said json.RawMessage) (json.RawMessage, error) {
	object, problems := x.parse(said)
	if problems == nil {
		return object, nil
	}
	again, err := x.ask(ctx, append(x.requestMessages(),
		model.Message{Role: "assistant", Content: host.AsText(said)},
		model.Message{Role: "user", Content: host.TextContent(repairText(x.explain(said, problems)))}), nil)
	if err != nil {
		return nil, err
	}
	if object, problems = x.parse(again.content); problems != nil {
		return nil, misfit("The model's answer", problems)
	}
	return object, nil
}

// explain names to the model what it made up, which problems do not.
func (x *execution) explain(said json.RawMessage, problems []host.Problem) []host.Problem {
	if named := x.schema.Explain(jsonIn(said)); named != nil {
		return named
	}
	return problems
}

func repairText(problems []host.Problem) string {
	var b strings.Builder
	b.WriteString("Your answer does not fit the required JSON Schema:\n")
	for _, p := range problems {
		b.WriteString("- " + p.String() + "\n")
	}
	b.WriteString("Answer again with the corrected JSON object and nothing else.")
	return b.String()
}

// parse reads what the model said, or hooks made of it, as an object of the
// schema.
func (x *execution) parse(said json.RawMessage) (json.RawMessage, []host.Problem) {
	said = jsonIn(said)
	if problems := x.unfit(said); problems != nil {
		return nil, problems
	}
	var object bytes.Buffer
	if err := json.Compact(&object, said); err != nil {
		return nil, []host.Problem{{Message: "is not JSON"}}
	}
	return object.Bytes(), nil
}

// unfit returns why a value cannot be the run's content, nil when it can.
func (x *execution) unfit(value json.RawMessage) []host.Problem {
	problems := x.schema.Validate(value)
	if problems == nil && !hook.ValidPart(value) {
		return []host.Problem{{Message: "is not valid Unicode"}}
	}
	return problems
}

// jsonIn is what a model said as the JSON it should be.
func jsonIn(said json.RawMessage) json.RawMessage {
	if beginsWith(said, "{") {
		return said
	}
	text := strings.TrimSpace(host.Text(said))
	return json.RawMessage(unfenced(strings.TrimSpace(strings.TrimPrefix(text, "\ufeff"))))
}

// fence is what many models put around JSON.
const fence = "```"

// unfenced takes away the code fence, and what the model said around it, when there
// is one.
func unfenced(text string) string {
	first, last := strings.Index(text, fence), strings.LastIndex(text, fence)
	all := first == 0 && last == len(text)-len(fence)
	if first == last || !all && (strings.HasPrefix(text, "{") || strings.Count(text, fence) != 2) {
		return text
	}
	language, body, _ := strings.Cut(text[first+len(fence):last], "\n")
	if language = strings.TrimSpace(language); language == "" || strings.EqualFold(language, "json") {
		return body
	}
	return text
}

// misfit is the end of a run whose content would not fit its schema. It quotes
// nothing of the content, which no hook of output has permitted.
func misfit(what string, problems []host.Problem) error {
	data, err := json.Marshal(map[string]any{"problems": problems})
	if err != nil { // texts and numbers always marshal
		panic(err)
	}
	return &fault{host.Failure{
		Type: host.FailureOutputSchema, Data: data,
		Message: what + " does not fit the output schema: " + listed(problems),
	}}
}

// checkOutput refuses an object that the hooks of output, called last, spoilt.
func (x *execution) checkOutput(content json.RawMessage) error {
	if x.schema == nil {
		return nil
	}
	problems := x.unfit(content)
	if problems == nil {
		return nil
	}
	changed := "The answer"
	for _, call := range x.emitted[len(x.emitted)-1].calls {
		if call.Outcome == host.OutcomeTransformed {
			changed = fmt.Sprintf("The answer as the hook %s.%s changed it", call.Plugin, call.Hook)
		}
	}
	return misfit(changed, problems)
}

// contentType names the type of a content as AgentOS does.
func (x *execution) contentType(content json.RawMessage) string {
	switch {
	case !beginsWith(content, "{"):
		return "str"
	case x.schema == nil, x.req.PlainObject:
		return "dict"
	}
	return x.schema.Title()
}

// modelSchema is the schema as the model is told it, nil for none.
func (x *execution) modelSchema() *model.Schema {
	if x.schema == nil {
		return nil
	}
	s := &model.Schema{Name: x.schema.Title(), Strict: x.schema.Strict()}
	if !x.schema.AnyObject() {
		s.JSON = x.schema.JSON()
	}
	return s
}

// schemaText tells a model of the schema that is told it in no other way. A
// provider that is asked for any object wants to read of JSON, too.
func (x *execution) schemaText() string {
	switch {
	case x.schema == nil:
		return ""
	case x.schema.AnyObject():
		return "Answer with a JSON object and nothing else."
	case x.model.Info().Schemas:
		return ""
	}
	return "Answer with a JSON object that fits this JSON Schema, and nothing else:\n" + string(x.schema.JSON())
}
