package cairn

import (
	"fmt"
	"math/big"
	"strings"
)

// Money is an exact amount in the minor unit of its currency (cents of EUR,
// yen of JPY). Amounts of different currencies are never added.
type Money struct {
	Minor    int64  `json:"minor"`
	Currency string `json:"currency"` // ISO 4217, upper case
}

// minorDigits lists the currencies whose minor unit is not a hundredth (ISO 4217).
var minorDigits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0,
	"UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
}

// MinorDigits returns how many decimal digits the currency's minor unit has.
func MinorDigits(currency string) int {
	if d, ok := minorDigits[currency]; ok {
		return d
	}
	return 2
}

// ParseMoney reads a decimal amount such as "1204.50" exactly. It refuses more
// decimal digits than the currency has.
func ParseMoney(amount, currency string) (Money, error) {
	currency = strings.ToUpper(strings.TrimSpace(currency))
	if len(currency) != 3 {
		return Money{}, Errorf(Invalid, "%q is not a currency: three letters such as EUR are needed.", currency)
	}
	r, ok := new(big.Rat).SetString(strings.TrimSpace(amount))
	if !ok {
		return Money{}, Errorf(Invalid, "%q is not an amount.", amount)
	}
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(MinorDigits(currency))), nil)
	r.Mul(r, new(big.Rat).SetInt(scale))
	if !r.IsInt() || !r.Num().IsInt64() {
		return Money{}, Errorf(Invalid, "%q has more decimals than %s knows, or is too large.", amount, currency)
	}
	return Money{Minor: r.Num().Int64(), Currency: currency}, nil
}

// String writes the amount plainly, such as "1204.50 EUR".
func (m Money) String() string {
	d := MinorDigits(m.Currency)
	sign, v := "", m.Minor
	if v < 0 {
		sign = "-"
	}
	s := strings.TrimPrefix(fmt.Sprintf("%0*d", d+1, v), "-")
	for len(s) < d+1 {
		s = "0" + s
	}
	if d > 0 {
		s = s[:len(s)-d] + "." + s[len(s)-d:]
	}
	return strings.TrimSpace(sign + s + " " + m.Currency)
}
