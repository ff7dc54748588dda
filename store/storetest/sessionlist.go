package storetest

import (
	"fmt"
	"testing"

	"github.com/snaphook-dev/snaphook/host"
)

func sessionListTests() []test {
	return []test{
		{"nothing", noSessions},
		{"is whole", sessionListWhole},
		{"filters", sessionListFilters},
		{"orders", sessionListOrders},
		{"pages", sessionListPages},
	}
}

func noSessions(t *testing.T, s host.Store) {
	page, total, err := s.Sessions(t.Context(), host.SessionFilter{Limit: 10})
	must(t, err)
	if len(page) > 0 || total != 0 {
		t.Errorf("%d sessions, %d in all", len(page), total)
	}
}

// newSession is the nth session to be created, and the nth from the last to be
// changed.
func newSession(n int) host.Session {
	return host.Session{
		ID: fmt.Sprint(n), Component: host.Component{Kind: host.KindAgent, ID: "agent", Name: "Agent"},
		CreatedAt: at(n), UpdatedAt: at(100 - n),
	}
}

// createSessions stores sessions in an order that is not that of their times.
func createSessions(t *testing.T, s host.Store, sessions ...host.Session) {
	t.Helper()
	for i := range sessions {
		must(t, s.CreateSession(t.Context(), sessions[(i+2)%len(sessions)]))
	}
}

func sessionListWhole(t *testing.T, s host.Store) {
	want := newSession(1)
	want.UserID, want.Name, want.Title = "user", "name", "title"
	want.State, want.Metadata = []byte(`{"s":1}`), []byte(`{"m":1}`)
	createSessions(t, s, want)
	page, _, err := s.Sessions(t.Context(), host.SessionFilter{Limit: 10})
	must(t, err)
	wantEqual(t, []host.Session{want}, page)
}

func sessionListFilters(t *testing.T, s host.Store) {
	one, two, three, four := newSession(1), newSession(2), newSession(3), newSession(4)
	one.Title, one.UserID = "What is the WEATHER?", "u"
	two.Name, two.Title, two.UserID = "100%_done", "weather", "u"
	three.Component = host.Component{Kind: host.KindTeam, ID: "agent"}
	four.Component.ID, four.UserID = "other", "v"
	createSessions(t, s, one, two, three, four)
	for _, test := range []struct {
		filter host.SessionFilter
		want   []string
	}{
		{host.SessionFilter{}, []string{"4", "3", "2", "1"}},
		{host.SessionFilter{Kind: host.KindAgent}, []string{"4", "2", "1"}},
		{host.SessionFilter{Kind: host.KindWorkflow}, nil},
		{host.SessionFilter{ComponentID: "agent"}, []string{"3", "2", "1"}},
		{host.SessionFilter{Kind: host.KindAgent, ComponentID: "agent"}, []string{"2", "1"}},
		{host.SessionFilter{UserID: "u"}, []string{"2", "1"}},
		{host.SessionFilter{UserID: "u", Order: host.SessionsByUpdate}, []string{"1", "2"}},
		{host.SessionFilter{UserID: "v", ComponentID: "agent"}, nil},
		{host.SessionFilter{UserID: "v", Kind: host.KindAgent, ComponentID: "other"}, []string{"4"}},
		{host.SessionFilter{Label: "weather"}, []string{"1"}},
		{host.SessionFilter{Label: "%_"}, []string{"2"}},
		{host.SessionFilter{Label: "D", UserID: "u"}, []string{"2"}},
		{host.SessionFilter{Label: "nothing"}, nil},
	} {
		wantSessions(t, s, test.filter, test.want, len(test.want))
	}
}

func sessionListOrders(t *testing.T, s host.Store) {
	three := newSession(3)
	three.Component.Kind = host.KindWorkflow
	same := newSession(2)
	same.ID = "stored last"
	createSessions(t, s, newSession(1), newSession(2), three)
	createSessions(t, s, same)
	for _, test := range []struct {
		filter host.SessionFilter
		want   []string
	}{
		{host.SessionFilter{Order: host.SessionsByCreation}, []string{"3", "stored last", "2", "1"}},
		{host.SessionFilter{Ascending: true}, []string{"1", "2", "stored last", "3"}},
		{host.SessionFilter{Order: host.SessionsByUpdate}, []string{"1", "stored last", "2", "3"}},
		{host.SessionFilter{Order: host.SessionsByUpdate, Ascending: true, Kind: host.KindAgent}, []string{"2", "stored last", "1"}},
	} {
		wantSessions(t, s, test.filter, test.want, len(test.want))
	}
}

func sessionListPages(t *testing.T, s host.Store) {
	var sessions []host.Session
	for n := range 7 {
		sessions = append(sessions, newSession(n))
		sessions[n].Component.Kind = []host.ComponentKind{host.KindAgent, host.KindTeam}[n%2]
	}
	createSessions(t, s, sessions...)
	for offset, want := range map[int][]string{
		0: {"6", "5", "4"}, 3: {"3", "2", "1"}, 6: {"0"}, 7: nil, 1000: nil,
	} {
		wantSessions(t, s, host.SessionFilter{Offset: offset, Limit: 3}, want, 7)
	}
	wantSessions(t, s, host.SessionFilter{Kind: host.KindTeam, Offset: 1, Limit: 1}, []string{"3"}, 3)
}

// wantSessions expects the ids of one page, of ten when the filter has no limit.
func wantSessions(t *testing.T, s host.Store, filter host.SessionFilter, want []string, wantTotal int) {
	t.Helper()
	if filter.Limit == 0 {
		filter.Limit = 10
	}
	page, total, err := s.Sessions(t.Context(), filter)
	must(t, err)
	var got []string
	for _, session := range page {
		got = append(got, session.ID)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || total != wantTotal {
		t.Errorf("%+v: %v of %d, want %v of %d", filter, got, total, want, wantTotal)
	}
}
