package config

import (
	"slices"
	"strings"

	"github.com/snaphook-dev/snaphook/host"
)

// teams reads them into c, which has the agents. Members are read when all teams
// are known.
func (l *loader) teams(n *node, c *Config, models []string) {
	ids := identifiers{}
	members := []*node{}
	for _, item := range l.list(n) {
		t := host.Team{Mode: host.TeamCoordinate}
		m := l.mapping(item)
		l.agent(m, &t.Agent, models)
		m.read("mode", func(n *node) {
			t.Mode = oneOf(&l.reader, n, host.TeamCoordinate, host.TeamRoute, host.TeamBroadcast)
		})
		list := &node{}
		m.require("members", func(n *node) { list = n })
		m.close()
		l.unique(ids, item, t.ID)
		c.Teams, members = append(c.Teams, t), append(members, list)
	}
	known := c.components()
	for i := range c.Teams {
		c.Teams[i].Members = l.members(members[i], known)
	}
	l.teamCycles(c.Teams, members)
}

func (l *loader) members(n *node, known components) []host.BindingScope {
	if n.kind == kindNull { // is a problem already
		return nil
	}
	var members []host.BindingScope
	ids := identifiers{}
	for _, item := range l.someOf(n) {
		member := l.member(item, known)
		l.unique(ids, item, member.ID)
		members = append(members, member)
	}
	return members
}

// member is an id, or says of what kind it is. An id alone is an agent's, or a team's
// when no agent has it.
func (l *loader) member(n *node, known components) host.BindingScope {
	if n.kind == kindText {
		return l.memberNamed(n, known)
	}
	var member host.BindingScope
	m := l.mapping(n)
	switch m.exactlyOne("agent", "team") {
	case "agent":
		m.read("agent", func(n *node) { member = l.agentNamed(n, known) })
	case "team":
		m.read("team", func(n *node) { member = l.teamNamed(n, known) })
	}
	m.close()
	return member
}

func (l *loader) memberNamed(n *node, known components) host.BindingScope {
	id := l.text(n)
	switch {
	case slices.Contains(known.agents, id):
		return host.BindingScope{Kind: host.KindAgent, ID: id}
	case slices.Contains(known.teams, id):
		return host.BindingScope{Kind: host.KindTeam, ID: id}
	}
	l.problem(n, "%q is neither an agent nor a team", id)
	return host.BindingScope{}
}

// teamCycles finds teams that contain themselves. members are the lists that the
// teams' members were read from.
func (l *loader) teamCycles(teams []host.Team, members []*node) {
	w := teamWalk{loader: l, teams: teams, members: members, done: map[string]bool{}}
	for _, t := range teams {
		w.visit(t.ID)
	}
}

// teamWalk goes through teams to their members.
type teamWalk struct {
	*loader
	teams   []host.Team
	members []*node
	// path is how the walk came here; done are the teams it has left.
	path []string
	done map[string]bool
}

func (w *teamWalk) visit(id string) {
	i := slices.IndexFunc(w.teams, func(t host.Team) bool { return t.ID == id })
	if i < 0 || w.done[id] {
		return
	}
	w.path = append(w.path, id)
	for at, member := range w.teams[i].Members {
		if member.Kind != host.KindTeam {
			continue
		}
		if from := slices.Index(w.path, member.ID); from >= 0 {
			cycle := append(slices.Clone(w.path[from:]), member.ID)
			w.problem(w.members[i].items[at], "the team %s contains itself: %s", member.ID, strings.Join(cycle, " > "))
			continue
		}
		w.visit(member.ID)
	}
	w.path = w.path[:len(w.path)-1]
	w.done[id] = true
}
