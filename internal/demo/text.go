package demo

// What people write. Sorted by the mood it is written in.

var ordinarySubjects = []string{
	"How do we copy last week's plan?", "Export shows the wrong week", "New colleague cannot sign in",
	"Holiday calendar for our region", "Where do I change the break rule?", "Calendar feed stopped updating",
	"Question about the timesheet deadline", "Printing the roster on A3", "Shift colours changed after update",
	"Add a second approver", "Overtime shows twice in the report", "Can we rename a location?",
}

var painfulSubjects = []string{
	"Published plan lost half of its shifts", "Timesheets calculated wrongly again", "Payroll export fails every night",
	"Site unusable on Monday mornings", "Sync deletes absences", "Third time: approvals disappear",
	"Nobody can open the night roster", "Wrong pay because of rounding, still not fixed",
}

var misfitSubjects = []string{
	"We need piece-rate pay, is that planned?", "Can it plan machines instead of people?",
	"Union rules for our country are missing", "Sales told us there is an offline app", "How do we connect our 2004 time clocks?",
}

var goodNotes = []string{
	"Walked through the new site together. They plan two weeks ahead now and want to go to four.",
	"Review went well: overtime is down by a fifth since spring. They will tell their board.",
	"The team leads have taken over planning. Asked about forecasting for the summer.",
	"Short call. Everything runs, they are preparing the next location.",
	"Shared the numbers of the last quarter. They are pleased and want the same for the night shift.",
}

var plainNotes = []string{
	"Regular check-in. No open points, next talk in a month.",
	"Went through open questions about break rules. Sent the article afterwards.",
	"Asked who will look after the plan during the holidays. They will tell us.",
	"Talked about the release. They will try the new absence view.",
	"Brief call, they are busy with stock-taking.",
}

var badNotes = []string{
	"Nobody joined the call. Wrote a mail, no answer so far.",
	"They plan in a spreadsheet again and only copy the result. No time to change that, they say.",
	"Frustrated: the promised date has passed twice. Asked for a named contact.",
	"New manager, does not know us. Wants to review all tools by the end of the quarter.",
	"They asked what happens to their data when a contract ends.",
	"Only two people still sign in. Our contact says the others were never trained.",
}

var goodComments = []string{
	"Saves me a full day every week.", "Support answers before I have finished my coffee.",
	"The team trusts the plan now.", "Best decision of last year.", "Swaps without phone calls!",
}

var plainComments = []string{
	"Does what it should.", "Fine, reports could be nicer.", "Good, but slow on Mondays.", "I would like a mobile app.",
}

var badComments = []string{
	"We wait for weeks for an answer.", "Nobody showed us how to use it.", "Does not fit how we work.",
	"Too expensive for the little that we use.", "Since our planner left nobody knows how it works.", "Same error again and again.",
}

var titles = map[string][]string{
	"sponsor":        {"Managing Director", "Chief Operating Officer", "Head of Operations"},
	"champion":       {"Operations Manager", "Workforce Planner", "Regional Manager"},
	"administrator":  {"Planning Administrator", "Systems Coordinator"},
	"economic_buyer": {"Head of Finance", "Procurement Lead"},
	"user":           {"Team Lead", "Shift Supervisor", "Duty Manager", "Site Coordinator", "Assistant Planner"},
}
