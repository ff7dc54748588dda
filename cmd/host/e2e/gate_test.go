package e2e

import (
	"strings"
	"sync"
	"testing"

	"github.com/snaphook-dev/snaphook/host/model/openai/openaitest"
)

// gates is a model that answers "to " and the message: one that begins with
// "wait" not before the test lets it. It is safe for concurrent use.
type gates struct {
	*openaitest.Server

	mu   sync.Mutex
	held map[string]chan struct{}
}

func newGates(t testing.TB) *gates {
	t.Helper()
	g := &gates{held: map[string]chan struct{}{}}
	g.Server = openaitest.New(t, g.answer)
	return g
}

func (g *gates) answer(_ int, req openaitest.Request) openaitest.Answer {
	message := lastMessage(req)
	answer := openaitest.Text("to " + message)
	if strings.HasPrefix(message, "wait") {
		answer.Hold = g.gate(message)
	}
	return answer
}

func lastMessage(req openaitest.Request) string { return req.Messages[len(req.Messages)-1].Content }

func (g *gates) gate(message string) chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.held[message] == nil {
		g.held[message] = make(chan struct{})
	}
	return g.held[message]
}

// open lets all answers to a message go, those to come too.
func (g *gates) open(message string) { close(g.gate(message)) }

// asked counts how often the model got the message.
func (g *gates) asked(message string) int {
	n := 0
	for _, req := range g.Requests() {
		if lastMessage(req) == message {
			n++
		}
	}
	return n
}

// await waits until the model has got the message n times.
func (g *gates) await(t testing.TB, message string, n int) {
	t.Helper()
	eventually(t, "the model is asked "+message, func() bool { return g.asked(message) >= n })
}
