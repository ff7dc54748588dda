package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte("secrets: {SLACK_TOKEN: ${SLACK}, _B2: \"Basic ${SLACK}\"}\n"), "/",
		Options{LookupEnv: env(map[string]string{"SLACK": "xoxb-1234"})})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"SLACK_TOKEN": "xoxb-1234", "_B2": "Basic xoxb-1234"}, map[string]string(c.Secrets)); diff != "" {
		t.Errorf("secrets (-want +got):\n%s", diff)
	}
	if value, ok := c.Secrets.Secret("SLACK_TOKEN"); !ok || value != "xoxb-1234" {
		t.Errorf("SLACK_TOKEN is %q, %t", value, ok)
	}
	if _, ok := c.Secrets.Secret("NONE"); ok {
		t.Error("a secret that is not configured was found")
	}
	if diff := cmp.Diff([]string{"SLACK_TOKEN", "_B2"}, c.Secrets.Names()); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

// However a configuration is printed, its secrets are not.
func TestSecretsDoNotPrint(t *testing.T) {
	t.Parallel()
	c := Config{Secrets: Secrets{"NAME": "the value"}}
	var printed bytes.Buffer
	fmt.Fprintf(&printed, "%v %+v %#v %s %q", c, &c, c, c.Secrets, c.Secrets)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&printed, nil), slog.NewJSONHandler(&printed, nil)} {
		slog.New(handler).Info("all", "config", c, "secrets", c.Secrets)
	}
	data, err := json.Marshal(c.Secrets)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(data)
	if strings.Contains(printed.String(), "the value") || !strings.Contains(printed.String(), "NAME") {
		t.Errorf("printed %s", printed.String())
	}
}

func TestSecretsRefused(t *testing.T) {
	t.Parallel()
	got := problemsOf(t, `secrets:
  slack: long enough
  EMPTY: ""
  SHORT: s3cret!
  UNSET: ${UNSET}
  LINES: "several\nlines"
  PIN: 12345678
  TWICE: long enough
  TWICE: longer still
`)
	want := []string{
		"line 2: secrets.slack: is not a secret's name: capital letters, digits and _, at most 63",
		"line 3: secrets.EMPTY: must have 8 to 4096 bytes",
		"line 4: secrets.SHORT: must have 8 to 4096 bytes",
		"line 5: secrets.UNSET: the environment variable UNSET is not set",
		"line 6: secrets.LINES: must be text without line breaks and other control characters",
		"line 7: secrets.PIN: must be text, not a number",
		"line 9: secrets.TWICE: repeats the key of line 8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
	if got := problemsOf(t, "secrets: [a]\n"); got[0] != "line 1: secrets: must be a mapping, not a list" {
		t.Errorf("a list: %q", got)
	}
}
