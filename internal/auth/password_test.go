package auth

import (
	"crypto/rand"
	"strings"
	"testing"
	"time"
)

func TestAPasswordFitsItsOwnHashOnly(t *testing.T) {
	phc, err := hash(rand.Reader, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("hash %q is not of the stated cost", phc)
	}
	if !verify(phc, "correct horse") || verify(phc, "correct hors") || verify(phc, "") {
		t.Error("the hash does not tell passwords apart")
	}
	again, err := hash(rand.Reader, "correct horse")
	if err != nil || again == phc {
		t.Error("two hashes of one password are equal: no salt")
	}
}

// The reference implementation's test vector for Argon2id version 19:
// "password", "somesalt", t=2, m=64 MiB, p=1
// (github.com/P-H-C/phc-winner-argon2, src/test.c).
func TestTheReferenceHashFits(t *testing.T) {
	const phc = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !verify(phc, "password") || verify(phc, "differentpassword") {
		t.Error("argon2id does not agree with the reference")
	}
}

func TestWhatIsNoHashFitsNoPassword(t *testing.T) {
	for _, phc := range []string{"", "plain", "$argon2id$v=19$m=19456,t=0,p=1$c2FsdA$", "$argon2i$v=19$m=1,t=1,p=1$c29tZXNhbHQ$AAAAAAAAAAAAAAAAAAAAAA", "$argon2id$v=19$m=8,t=1,p=1$!$!"} {
		if verify(phc, "") || verify(phc, "plain") {
			t.Errorf("%q fits", phc)
		}
	}
	if p, ok := parsePHC(nobody); !ok || p.memory != memoryKiB || p.time != passes || p.lanes != parallel || len(p.sum) != hashSize {
		t.Error("nobody's hash does not cost what a user's does")
	}
}

func TestTheThrottleStaysSmall(t *testing.T) {
	var th throttle
	now := time.Unix(1e9, 0)
	for i := range 3 * maxTried {
		if err := th.begin(strings.Repeat("x", i%7)+string(rune(i)), now); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(th.tried); n > maxTried {
		t.Errorf("%d addresses are remembered", n)
	}
}
