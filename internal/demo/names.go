package demo

import (
	"fmt"
	"strings"
)

// An Owner is one of Quillmere's customer success managers.
type Owner struct {
	Name string
	Mail string
}

// Owners are the customer success managers whose addresses accounts name.
// The first is the one whom a visitor of the demo signs in as.
func (c *Company) Owners() []Owner { return append([]Owner(nil), staff...) }

var staff = []Owner{
	{"Mira Aldous", "mira@quillmere.example"},
	{"Jonas Pellworm", "jonas@quillmere.example"},
	{"Aisha Varga", "aisha@quillmere.example"},
	{"Tomas Okonjo", "tomas@quillmere.example"},
	{"Linnea Brask", "linnea@quillmere.example"},
	{"Ruben Castellan", "ruben@quillmere.example"},
}

var stems = []string{
	"Brannholt", "Veldemark", "Hallvik", "Tornbeck", "Ashenby", "Calderwick", "Dunmarrow", "Elstrand",
	"Fennimoor", "Grauwald", "Harrowmere", "Istvane", "Jorvale", "Kestermund", "Lindenau-Voss", "Marrowgate",
	"Nettlecombe", "Oldervik", "Pendrake", "Quarrenby", "Rosenquill", "Sandhaven", "Thistlemoor", "Umberfield",
	"Vantreux", "Westermark", "Yarrowby", "Zellenhof", "Birchmoor", "Copperlind", "Drosselbach", "Eastwold",
	"Farrowdale", "Gildenstern", "Heatherlow", "Ironmere", "Juniper Vale", "Kaltenried", "Larkenshaw", "Moorgrave",
}

var trades = []struct{ word, industry string }{
	{"Logistics", "logistics"}, {"Freight", "logistics"}, {"Parcel", "logistics"},
	{"Care", "healthcare"}, {"Clinics", "healthcare"}, {"Hospice", "healthcare"},
	{"Foods", "manufacturing"}, {"Plastics", "manufacturing"}, {"Instruments", "manufacturing"},
	{"Hotels", "hospitality"}, {"Catering", "hospitality"},
	{"Retail", "retail"}, {"Grocers", "retail"},
	{"Security", "services"}, {"Facilities", "services"}, {"Cleaning", "services"},
}

var firstNames = []string{
	"Ada", "Bastian", "Carla", "Dorian", "Elif", "Fabio", "Greta", "Hamid", "Ines", "Jarek", "Katja", "Levin",
	"Maren", "Nils", "Olga", "Priya", "Quentin", "Rosa", "Samir", "Tessa", "Ulrike", "Viktor", "Wanda", "Xenia",
	"Yusuf", "Zita", "Alma", "Benno", "Cosima", "Dirk", "Esra", "Finn", "Gloria", "Henrik", "Imani", "Jule",
	"Kofi", "Leonie", "Marek", "Nadia", "Oskar", "Paula", "Rafael", "Sunniva", "Tariq", "Una", "Vera", "Wim",
}

var lastNames = []string{
	"Abendroth", "Birkeland", "Cavani", "Dreyling", "Esposti", "Fjordmann", "Gutwein", "Hollander", "Ivarsdottir",
	"Jansky", "Kowalke", "Lundqvister", "Marchetto", "Nowotka", "Oberlin", "Petrakis", "Quistgard", "Rademann",
	"Solbakk", "Tavernier", "Uhlmann", "Vestergren", "Wieczor", "Yilmazer", "Zeilinger", "Amsel", "Brodeur",
	"Castaing", "Demirci", "Eklundh", "Farago", "Grimaldo", "Haverkamp", "Ilves", "Jurek", "Kallas", "Lemaire",
	"Mendaro", "Nyberg-Holm", "Ostermann", "Pavlik", "Rautio", "Sandor", "Thorsen", "Urbanek", "Valtonen",
}

// business returns the n-th customer's name, key and industry in an order
// that the seed shuffles; every name occurs once.
func business(order []int, n int) (name, key, industry string) {
	i := order[n%len(order)]
	trade := trades[i%len(trades)]
	name = stems[i/len(trades)] + " " + trade.word
	if round := n / len(order); round > 0 {
		name = fmt.Sprintf("%s %d", name, round+1)
	}
	return name, strings.ReplaceAll(strings.ToLower(name), " ", "-"), trade.industry
}
