package pool

// lane is what the pool has of one plugin: room that is taken, of which some
// jobs are active, with a worker or next in line for one, and some are parked
// until those are done.
type lane struct {
	held   int
	active int
	parked []Job
}

// room is how many more jobs of a plugin the pool can take. The caller holds the
// lock.
func (p *Pool) room(plugin string) int {
	if p.stopped {
		return 0
	}
	room := p.cfg.PluginRoom
	if l := p.lanes[plugin]; l != nil {
		room -= l.held
	}
	return min(room, p.free)
}

// lane returns the lane of a plugin. The caller holds the lock.
func (p *Pool) lane(plugin string) *lane {
	l := p.lanes[plugin]
	if l == nil {
		l = &lane{}
		p.lanes[plugin] = l
	}
	return l
}

// enter reports whether a job may begin now; if not it is parked.
func (p *Pool) enter(job Job) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(job.Call.Plugin)
	if l.active == p.cfg.PluginWorkers {
		l.parked = append(l.parked, job)
		return false
	}
	l.active++
	return true
}

// advance ends the work for a job: a parked one of its plugin takes its place. A
// worker always comes back for the next job after this, so what is parked is never
// left behind.
func (p *Pool) advance(job Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.lane(job.Call.Plugin)
	if len(l.parked) > 0 {
		p.jobs <- l.parked[0] // there is room for all jobs in the channel
		l.parked[0] = Job{}
		l.parked = l.parked[1:]
	} else {
		l.active--
	}
}

// giveBack frees room and tells who waits for it.
func (p *Pool) giveBack(plugin string, n int) {
	p.mu.Lock()
	p.free += n
	l := p.lane(plugin)
	if l.held -= n; l.held == 0 {
		delete(p.lanes, plugin)
	}
	p.rest()
	wake := p.tell()
	p.mu.Unlock()
	if wake {
		p.Nudge()
	}
}

// tell reports whether there is room for somebody who waits for it, who is then
// taken for told. The caller holds the lock.
func (p *Pool) tell() bool {
	told := false
	for plugin := range p.wanted {
		if p.room(plugin) > 0 {
			delete(p.wanted, plugin)
			told = true
		}
	}
	return told
}
