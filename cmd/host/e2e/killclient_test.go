package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
)

// ask runs agents until ctx ends. What was not answered whole is no answer: the
// host may have been killed.
func (k *killing) ask(ctx context.Context, random *rand.Rand) {
	for {
		p := k.current(ctx)
		if p == nil {
			return
		}
		if a, ok := askOnce(ctx, p, random); ok {
			k.mu.Lock()
			k.answers = append(k.answers, a)
			k.mu.Unlock()
		}
	}
}

// askOnce makes one run of a random agent, with or without a stream, under an
// id of the host's or of the client's choosing, in a session of its own or a
// shared one.
func askOnce(ctx context.Context, p *process, random *rand.Rand) (answer, bool) {
	agent := []string{"busy", "busy", "busy", "refused-input", "refused-output", "slow"}[random.IntN(6)]
	f := form{"message": fmt.Sprintf("message %d", random.Uint32())}
	if random.IntN(2) == 0 {
		f["run_id"] = fmt.Sprintf("run-%016x", random.Uint64())
	}
	if random.IntN(4) == 0 {
		f["session_id"] = fmt.Sprintf("%s-%d", agent, random.IntN(3))
	}
	if random.IntN(2) == 0 {
		return askStream(ctx, p, agent, f)
	}
	return askPlain(ctx, p, agent, f)
}

func askPlain(ctx context.Context, p *process, agent string, f form) (answer, bool) {
	contentType, body := f.with("stream", "false").urlencoded()
	r, err := p.send(ctx, "POST", "/agents/"+agent+"/runs", contentType, body)
	var out run
	if err != nil || r.status != 200 || json.Unmarshal(r.body, &out) != nil {
		return answer{}, false
	}
	return answer{agent, out.RunID, out.SessionID, out.Status}, true
}

// askStream counts a run as answered when its last event has arrived.
func askStream(ctx context.Context, p *process, agent string, f form) (answer, bool) {
	s, err := p.openStream(ctx, agent, f)
	if err != nil {
		return answer{}, false
	}
	defer s.body.Close()
	for {
		e, err := s.next()
		if err != nil {
			return answer{}, false
		}
		if status := endStatus(e.Name); status != "" {
			return answer{agent, e.RunID, e.SessionID, status}, true
		}
	}
}

// endStatus is the status a last event tells; nothing for other events.
func endStatus(name string) string {
	return map[string]string{"RunCompleted": "COMPLETED", "RunError": "ERROR", "RunCancelled": "CANCELLED"}[name]
}
