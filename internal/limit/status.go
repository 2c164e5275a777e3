package limit

// Status is what an operator is shown.
type Status struct {
	// Level is the name of the ladder's step; Pressure the highest reading.
	Level    string          `json:"level"`
	Pressure float64         `json:"pressure"`
	Monitors []MonitorStatus `json:"monitors"`
	// Banned is how many clients are banned; Bans the ten that last longest.
	Banned int         `json:"banned"`
	Bans   []BanStatus `json:"bans,omitempty"`
}

// MonitorStatus is a [Reading] in words.
type MonitorStatus struct {
	Name     string  `json:"name"`
	Pressure float64 `json:"pressure"`
	// Error: why there is no figure.
	Error string `json:"error,omitempty"`
}

// BanStatus is a [Ban] in words; lengths are in seconds.
type BanStatus struct {
	Client string `json:"client"`
	Cause  string `json:"cause"`
	For    int    `json:"forSeconds"`
	Left   int    `json:"leftSeconds"`
	Times  int    `json:"times"`
}

// statusBans is how many bans a status names.
const statusBans = 10

// Status tells how things stand.
func (g *Guard) Status() Status {
	s := Status{Level: g.ladder.Level().String(), Pressure: g.ladder.Pressure()}
	for _, r := range g.ladder.Readings() {
		m := MonitorStatus{Name: r.Name, Pressure: r.Pressure}
		if r.Err != nil {
			m.Error = r.Err.Error()
		}
		s.Monitors = append(s.Monitors, m)
	}
	var longest []Ban
	s.Banned, longest = g.bans.List(statusBans)
	for _, b := range longest {
		s.Bans = append(s.Bans, BanStatus{
			Client: b.Client.String(), Cause: b.Cause, Times: b.Times,
			For: int(b.For.Seconds()), Left: int(b.Left.Seconds()),
		})
	}
	return s
}
