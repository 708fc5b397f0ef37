package auth

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"golang.org/x/crypto/argon2"
)

// The cost of a password, as OWASP's Password Storage Cheat Sheet recommends
// for Argon2id: 19 MiB, two passes, one lane.
const (
	memoryKiB = 19 * 1024
	passes    = 2
	parallel  = 1
	saltSize  = 16
	hashSize  = 32
)

// hash returns password as a PHC string under a fresh salt.
func hash(random io.Reader, password string) (string, error) {
	salt := make([]byte, saltSize)
	if _, err := io.ReadFull(random, salt); err != nil {
		return "", err
	}
	sum := argon2.IDKey([]byte(password), salt, passes, memoryKiB, parallel, hashSize)
	enc := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s",
		argon2.Version, memoryKiB, passes, parallel, enc(salt), enc(sum)), nil
}

// verify reports whether password made the PHC string, in a time that does
// not depend on how far they agree. A string it cannot read fits no password.
func verify(phc, password string) bool {
	p, ok := parsePHC(phc)
	if !ok {
		return false
	}
	sum := argon2.IDKey([]byte(password), p.salt, p.time, p.memory, p.lanes, uint32(len(p.sum)))
	return subtle.ConstantTimeCompare(sum, p.sum) == 1
}

type phcHash struct {
	memory, time uint32
	lanes        uint8
	salt, sum    []byte
}

// parsePHC reads $argon2id$v=19$m=…,t=…,p=…$salt$sum.
func parsePHC(s string) (phcHash, bool) {
	var p phcHash
	var version int
	part := strings.Split(s, "$")
	if len(part) != 6 || part[0] != "" || part[1] != "argon2id" {
		return p, false
	}
	if _, err := fmt.Sscanf(part[2], "v=%d", &version); err != nil || version != argon2.Version {
		return p, false
	}
	if _, err := fmt.Sscanf(part[3], "m=%d,t=%d,p=%d", &p.memory, &p.time, &p.lanes); err != nil {
		return p, false
	}
	var err1, err2 error
	p.salt, err1 = base64.RawStdEncoding.DecodeString(part[4])
	p.sum, err2 = base64.RawStdEncoding.DecodeString(part[5])
	return p, err1 == nil && err2 == nil && p.time > 0 && p.lanes > 0 && len(p.sum) >= 16
}

// nobody is a PHC string that fits no known password: signing in as somebody
// who does not exist is compared with it, so that it takes as long.
const nobody = "$argon2id$v=19$m=19456,t=2,p=1$Y2Fpcm4gbm9ib2R5IGhlcg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
