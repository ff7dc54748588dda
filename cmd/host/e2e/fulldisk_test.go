package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/snaphook-dev/snaphook/runtime/guesttest"
)

// TestFullDisk: while the disk is full no run claims what is not stored; when
// there is space again the host goes on, and the runs it could not store have
// ended.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	s := newSite(t, config{})
	disk := mountDisk(t, filepath.Join(s.dir, "disk"))
	store := "sqlite://" + filepath.Join(disk, "snaphook.db")
	p := s.start(t, "--store", store)
	p.install(t, newPlugin(t, "after", "", hook{
		name: "hook", point: "output", fields: []string{"mode: background"}, does: guesttest.Answers(allow),
	}))
	p.bind(t, "agent", binding{"plugin": "after"})

	seen := &outcomes{}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var clients sync.WaitGroup
	for n := range 4 {
		clients.Go(func() { seen.collect(ctx, t, p, n%2 == 0) })
	}
	eventually(t, "runs are completed", func() bool { return seen.count().completed >= 20 })
	fill(t, disk)
	eventually(t, "runs fail for lack of space", func() bool { n := seen.count(); return n.plain >= 5 && n.streamed >= 5 })
	p.get(t, "/health").want(t, 200)
	p.get(t, "/plugins/after").want(t, 200)
	late := newPlugin(t, "late", "", hook{name: "hook", point: "output", does: guesttest.Answers(allow)})
	p.upload(t, late).want(t, 503).says(t, "The store has no space left")
	p.get(t, "/plugins/late").want(t, 404)
	empty(t, disk)
	before := seen.count().completed
	eventually(t, "runs are completed again", func() bool { return seen.count().completed >= before+20 })
	stop()
	clients.Wait()

	p.upload(t, late).want(t, 201)
	seen.check(t, p)
	p.kill(t)
	p = s.start(t, "--store", store)
	seen.check(t, p)
	p.stop(t)
	db := openDatabase(t, disk)
	if n := db.number(t, `SELECT count(*) FROM runs WHERE status IN ('RUNNING', 'PENDING')`); n != 0 {
		t.Errorf("%d runs are not over", n)
	}
}

// mountDisk mounts a small file system.
func mountDisk(t testing.TB, dir string) string {
	t.Helper()
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if printed, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=8m", "snaphook-test", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount a small tmpfs, which this test needs and only root may do: %v: %s", err, printed)
	}
	t.Cleanup(func() {
		if printed, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("unmount: %v: %s", err, printed)
		}
	})
	return dir
}

const ballast = "ballast"

// fill leaves no space on the disk.
func fill(t testing.TB, disk string) {
	t.Helper()
	f, err := os.Create(filepath.Join(disk, ballast))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := io.Copy(f, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("fill the disk: %v", err)
	}
}

// empty gives the space back.
func empty(t testing.TB, disk string) {
	t.Helper()
	if err := os.Remove(filepath.Join(disk, ballast)); err != nil {
		t.Fatal(err)
	}
}

// outcomes are what clients were told of their runs. It is safe for concurrent
// use.
type outcomes struct {
	mu        sync.Mutex
	completed []run
	// plain counts the answers that were errors; streamed are the runs whose
	// stream ended with an error.
	plain    int
	streamed []run
}

type tally struct{ completed, plain, streamed int }

func (o *outcomes) count() tally {
	o.mu.Lock()
	defer o.mu.Unlock()
	return tally{len(o.completed), o.plain, len(o.streamed)}
}

// collect makes runs until ctx ends. Whatever is neither a completed run nor a
// clear error fails the test.
func (o *outcomes) collect(ctx context.Context, t *testing.T, p *process, streams bool) {
	try := o.tryPlain
	if streams {
		try = o.tryStream
	}
	for ctx.Err() == nil {
		if err := try(ctx, p); err != nil && ctx.Err() == nil {
			t.Error(err)
			return
		}
	}
}

func (o *outcomes) tryPlain(ctx context.Context, p *process) error {
	contentType, body := form{"message": "hello", "stream": "false"}.urlencoded()
	r, err := p.send(ctx, "POST", "/agents/agent/runs", contentType, body)
	if err != nil {
		return err
	}
	var answer run
	if err := json.Unmarshal(r.body, &answer); err != nil {
		return fmt.Errorf("status %d: %w: %s", r.status, err, r.body)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case r.status == 200 && answer.Status == "COMPLETED":
		o.completed = append(o.completed, answer)
	case r.status == 503 && answer.ErrorType == "host_error":
		o.plain++
	default:
		return fmt.Errorf("status %d: %s", r.status, r.body)
	}
	return nil
}

func (o *outcomes) tryStream(ctx context.Context, p *process) error {
	s, err := p.openStream(ctx, "agent", form{"message": "hello"})
	if err != nil {
		return err
	}
	defer s.body.Close()
	var last event
	for err = nil; err == nil; {
		var e event
		if e, err = s.next(); err == nil {
			last = e
		}
	}
	if !errors.Is(err, io.EOF) {
		return err
	}
	r := run{AgentID: "agent", RunID: last.RunID, SessionID: last.SessionID}
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case last.Name == "RunCompleted":
		o.completed = append(o.completed, r)
	case last.Name == "RunError" && last.ErrorType == "storage_error":
		o.streamed = append(o.streamed, r)
	default:
		return fmt.Errorf("the stream ends with %s", last.raw)
	}
	return nil
}

// check: what was answered COMPLETED is stored with its calls; the others have
// ended as errors.
func (o *outcomes) check(t *testing.T, p *process) {
	t.Helper()
	for _, r := range o.completed {
		p.read(t, r).must(t, "hello")
		if calls := p.settled(t, r.RunID); len(calls) != 1 || calls[0].Status != "completed" {
			t.Errorf("the completed run %s has the calls %v", r.RunID, summaries(calls))
		}
	}
	for _, r := range o.streamed {
		if got := p.awaitStatus(t, r, "ERROR"); got.ErrorType != "storage_error" {
			t.Errorf("the run that was not stored failed with %s %q", got.ErrorType, got.Content)
		}
	}
}
