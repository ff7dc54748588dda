package plugin

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"github.com/gowebpki/jcs"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

const digestPrefix = "sha256:"

// digestOf identifies a plugin: the SHA-256 over its canonical manifest (RFC
// 8785) and its module. The manifest ends where its object ends, so the two
// cannot be confused.
func digestOf(m pluginapi.Manifest, module []byte) (string, error) {
	data, err := json.Marshal(m.WithDefaults())
	if err != nil {
		return "", fmt.Errorf("write manifest: %w", err)
	}
	canonical, err := jcs.Transform(data)
	if err != nil {
		return "", fmt.Errorf("make manifest canonical: %w", err)
	}
	h := sha256.New()
	h.Write(canonical)
	h.Write(module)
	return digestPrefix + hex.EncodeToString(h.Sum(nil)), nil
}
