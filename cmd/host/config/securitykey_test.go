package config

import (
	"strings"
	"testing"
)

const aKey = "a-key-of-16-chars"

func TestSecurityKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		vars map[string]string
		want string
	}{
		"none":                  {"{}", nil, ""},
		"in the file":           {"security_key: " + aKey, nil, aKey},
		"by a variable":         {"security_key: ${KEY}", map[string]string{"KEY": aKey}, aKey},
		"of the environment":    {"security_key: in-the-file-not-used", map[string]string{"SNAPHOOK_SECURITY_KEY": aKey}, aKey},
		"as AgentOS names it":   {"{}", map[string]string{"OS_SECURITY_KEY": aKey}, aKey},
		"our own name wins":     {"{}", map[string]string{"OS_SECURITY_KEY": "of-AgentOS-not-used", "SNAPHOOK_SECURITY_KEY": aKey}, aKey},
		"any visible character": {`security_key: '!"#$%&/()=?~^[]{}\'`, nil, `!"#$%&/()=?~^[]{}\`},
	} {
		c, err := parse([]byte(test.text), "/", Options{LookupEnv: env(test.vars)})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if c.SecurityKey != test.want {
			t.Errorf("%s: the key is %q, want %q", name, c.SecurityKey, test.want)
		}
	}
}

// TestSecurityKeyOpensAddresses: with a key other machines may call.
func TestSecurityKeyOpensAddresses(t *testing.T) {
	t.Parallel()
	c, err := parse([]byte("listen: 0.0.0.0:80\nsecurity_key: "+aKey), "/", Options{LookupEnv: env(nil)})
	if err != nil || c.Insecure {
		t.Errorf("insecure %t, error %v", c.Insecure, err)
	}
}

// TestEmptyVariableIsNoKey: who sets the variable wants to be asked.
func TestEmptyVariableIsNoKey(t *testing.T) {
	t.Parallel()
	for _, name := range securityKeyVariables {
		_, err := parse([]byte("security_key: "+aKey), "/", Options{LookupEnv: env(map[string]string{name: ""})})
		if err == nil || !strings.Contains(err.Error(), name+": must have 16 to 1024 characters") {
			t.Errorf("error %v, want one that names %s", err, name)
		}
	}
}

func TestProblemsDoNotQuoteTheKey(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"too-short", aKey + " with spaces", strings.Repeat(aKey, 100)} {
		_, err := parse([]byte("security_key: "+key), "/", Options{LookupEnv: env(nil)})
		if err == nil || strings.Contains(err.Error(), key) {
			t.Errorf("error %v", err)
		}
	}
}
