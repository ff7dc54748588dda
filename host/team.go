package host

// TeamMode says how a team shares its work.
type TeamMode string

// The modes.
const (
	// TeamCoordinate has the leader give tasks to members and answer itself.
	TeamCoordinate TeamMode = "coordinate"
	// TeamRoute has the leader choose one member, whose answer is the team's.
	TeamRoute TeamMode = "route"
	// TeamBroadcast has the leader give one task to all members and answer itself.
	TeamBroadcast TeamMode = "broadcast"
)

// The tools a leader delegates with; no other tool has these names.
const (
	DelegateToMember  = "delegate_task_to_member"  // {member_id, task}
	DelegateToMembers = "delegate_task_to_members" // {task}
)

// Team is a component whose leader, an agent, has members to work for it. ID, Name
// and all else of the leader are the team's.
type Team struct {
	Agent
	// Mode is TeamCoordinate by default.
	Mode TeamMode
	// Members are agents and teams, at least one; none of them contains the team.
	Members []BindingScope
}

// Component returns the team's name as a component.
func (t *Team) Component() Component {
	return Component{Kind: KindTeam, ID: t.ID, Name: t.Name}
}
