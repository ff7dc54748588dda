package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/snaphook-dev/snaphook/host"
)

// delegated is what came of giving a task to members.
type delegated struct {
	result host.ToolResult
	// runID is the run of the one member.
	runID string
}

// delegation is the tool the leader of this run's team gives tasks to members with.
func (x *execution) delegation() *tool {
	t := newTool(nil, delegationOf(x.team))
	if x.team.Mode == host.TeamBroadcast {
		t.delegates = x.delegateToAll
		return t
	}
	t.delegates, t.direct = x.delegateToOne, x.team.Mode == host.TeamRoute
	return t
}

// delegationOf is the tool a team's leader gives tasks to members with.
func delegationOf(team *host.Team) host.ToolDefinition {
	if team.Mode == host.TeamBroadcast {
		return host.ToolDefinition{
			Name:        host.DelegateToMembers,
			Description: "Gives one task to all members of the team at once and returns what each of them answers.",
			Parameters:  json.RawMessage(`{"type":"object","properties":{"task":{"type":"string","description":"The task, with everything the members have to know."}},"required":["task"],"additionalProperties":false}`),
		}
	}
	return host.ToolDefinition{
		Name:        host.DelegateToMember,
		Description: "Gives a task to one member of the team and returns what the member answers.",
		Parameters:  json.RawMessage(`{"type":"object","properties":{"member_id":{"type":"string","enum":` + memberIDs(team) + `,"description":"The id of the member."},"task":{"type":"string","description":"The task, with everything the member has to know."}},"required":["member_id","task"],"additionalProperties":false}`),
	}
}

func memberIDs(team *host.Team) string {
	ids := make([]string, len(team.Members))
	for i, m := range team.Members {
		ids[i] = string(host.TextContent(m.ID))
	}
	return "[" + strings.Join(ids, ",") + "]"
}

// delegateToOne gives a task to the member the arguments name.
func (x *execution) delegateToOne(ctx context.Context, key string, args json.RawMessage) (delegated, error) {
	var asked struct {
		MemberID string `json:"member_id"`
		Task     string `json:"task"`
	}
	if err := json.Unmarshal(args, &asked); err != nil { // they fit the schema
		return delegated{}, fmt.Errorf("read arguments: %w", err)
	}
	for _, m := range x.team.Members {
		if m.ID == asked.MemberID {
			run, err := x.delegate(ctx, key, m, asked.Task)
			if err != nil {
				return delegated{}, err
			}
			return delegated{result: answerOf(&run), runID: run.ID}, nil
		}
	}
	return delegated{result: toolError("The team has no member %q.", asked.MemberID)}, nil
}

// delegateToAll gives a task to all members and puts their answers together.
func (x *execution) delegateToAll(ctx context.Context, key string, args json.RawMessage) (delegated, error) {
	var asked struct {
		Task string `json:"task"`
	}
	if err := json.Unmarshal(args, &asked); err != nil {
		return delegated{}, fmt.Errorf("read arguments: %w", err)
	}
	runs := make([]host.Run, len(x.team.Members))
	members, ctx := errgroup.WithContext(ctx)
	members.SetLimit(maxParallelCalls)
	for i, m := range x.team.Members {
		members.Go(func() (err error) {
			defer x.contain(&err)
			runs[i], err = x.delegate(ctx, fmt.Sprintf("%s/%d", key, i), m, asked.Task)
			return err
		})
	}
	if err := members.Wait(); err != nil {
		return delegated{}, err
	}
	return delegated{result: answersOf(runs)}, nil
}

// delegate runs one member. A team that routes asks it for the form of its own answer.
func (x *execution) delegate(ctx context.Context, key string, member host.BindingScope, task string) (host.Run, error) {
	s, err := x.lookup(member)
	if err != nil {
		return host.Run{}, err
	}
	req := childRequest{key: key, subject: s, input: host.TextContent(task)}
	if x.team.Mode == host.TeamRoute && x.schema != nil {
		req.schema = x.schema.JSON()
	}
	return x.child(ctx, req)
}

// answerOf is what a leader is told of a member's run.
func answerOf(run *host.Run) host.ToolResult {
	if failure := failureOf(run); failure != "" {
		return toolError("%s", failure)
	}
	return host.ToolResult{Value: run.Content}
}

// answersOf puts the answers of all members together; it is an error when none of
// them has one.
func answersOf(runs []host.Run) host.ToolResult {
	var text strings.Builder
	failed := 0
	for i := range runs {
		answer := answerOf(&runs[i])
		if answer.IsError {
			failed++
		}
		fmt.Fprintf(&text, "%s:\n%s\n\n", runs[i].Component.ID, host.Text(answer.Value))
	}
	return host.ToolResult{Value: host.TextContent(strings.TrimSpace(text.String())), IsError: failed == len(runs)}
}

// leaderMessage tells a leader of its team.
func (x *execution) leaderMessage() string {
	var text strings.Builder
	switch x.team.Mode {
	case host.TeamRoute:
		fmt.Fprintf(&text, "You lead a team. Choose the member who fits the request best and give it the task with %s; what the member answers is the team's answer.", host.DelegateToMember)
	case host.TeamBroadcast:
		fmt.Fprintf(&text, "You lead a team. Give the task to all members with %s, then answer from what they found.", host.DelegateToMembers)
	default:
		fmt.Fprintf(&text, "You lead a team. Give parts of the task to members with %s, then answer from what they found.", host.DelegateToMember)
	}
	text.WriteString(" The members:")
	for _, m := range x.team.Members {
		s, err := x.lookup(m)
		if err != nil { // checked when the engine was made
			continue
		}
		fmt.Fprintf(&text, "\n- %s", m.ID)
		for _, about := range []string{s.agent.Role, s.agent.Description} {
			if about != "" {
				text.WriteString(": " + about)
				break
			}
		}
	}
	return text.String()
}
