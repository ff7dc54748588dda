package runtime

import (
	"net/url"
	"strings"
	"testing"

	"github.com/snaphook-dev/snaphook/pluginapi"
)

func TestGrantCheck(t *testing.T) {
	t.Parallel()
	hosts := []string{
		"api.example.com", "http://plain.example.com", "https://odd.example.com:8443", "*.sub.example.com",
		"http://127.0.0.1:9000", "https://[2001:DB8::1]", "", "https://hooks.example.com/services/T0?x=1", "Upper.Example.COM.",
	}
	tests := map[string]bool{
		"https://api.example.com/path?q=1":  true,
		"https://API.example.com.:443/":     true,
		"http://api.example.com/":           false,
		"https://api.example.com:444/":      false,
		"https://xapi.example.com/":         false,
		"https://api.example.com.evil.org/": false,
		"https://user@api.example.com/":     false,
		"https://api.example.com@evil.org/": false,
		"http://plain.example.com/":         true,
		"https://plain.example.com/":        false,
		"https://odd.example.com:8443/":     true,
		"https://odd.example.com/":          false,
		"https://a.sub.example.com/":        true,
		"https://b.a.sub.example.com/":      true,
		"https://sub.example.com/":          false,
		"https://evilsub.example.com/":      false,
		"http://127.0.0.1:9000/":            true,
		"http://2130706433:9000/":           false,
		"http://0177.0.0.1:9000/":           false,
		"http://[::ffff:127.0.0.1]:9000/":   false,
		"https://[2001:db8:0::1]/":          true,
		"https://[2001:db8::1%25eth0]/":     false,
		"https://hooks.example.com/other":   true,
		"https://upper.example.com/":        true,
		"https://\u0430pi.example.com/":     false,
		"ftp://api.example.com/":            false,
		"file:///etc/passwd":                false,
		"//api.example.com/":                false,
		"https:///path":                     false,
	}
	for text, want := range tests {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		g, err := newGrant(&HTTPGrant{Hosts: hosts}, pluginapi.ModeBlocking)
		if err != nil {
			t.Fatal(err)
		}
		if err := g.check(u); (err == nil) != want {
			t.Errorf("%s: %v, want allowed = %v", text, err, want)
		}
	}
}

func TestGrantCountsRequests(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "example.com"}
	for mode, most := range map[pluginapi.Mode]int{pluginapi.ModeBlocking: 8, pluginapi.ModeBackground: 64} {
		g, err := newGrant(&HTTPGrant{Hosts: []string{"example.com"}}, mode)
		if err != nil {
			t.Fatal(err)
		}
		for i := range most {
			if err := g.check(u); err != nil {
				t.Errorf("%s: request %d: %v", mode, i, err)
			}
		}
		if err := g.check(u); err == nil || !strings.Contains(err.Error(), "too many") {
			t.Errorf("%s: request %d: %v, want too many", mode, most, err)
		}
	}
}

func TestCheckHTTPHost(t *testing.T) {
	t.Parallel()
	for entry, ok := range map[string]bool{
		"example.com": true, "http://localhost:8080": true, "*.example.com": true, "https://[::1]:8443": true,
		"": false, "*": false, "*.": false, "a*.example.com": false, "*.10.0.0.1": false, "ftp://example.com": false,
		"https://user:pw@example.com": false, "exa mple.com": false, "https://": false, "b\u00fccher.example": false,
		"example.com:99999999": false, "https://example.com:x": false,
	} {
		if err := CheckHTTPHost(entry); (err == nil) != ok {
			t.Errorf("%q: %v, want accepted = %v", entry, err, ok)
		}
	}
}

func FuzzCheckHTTPHost(f *testing.F) {
	for _, seed := range []string{"example.com", "http://a:1", "*.x", "[::1]", "https://a@b", "0.."} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, entry string) {
		h, err := parseHost(entry)
		if err != nil || h.subdomains {
			return
		}
		// What was read is written in a form that grants the same.
		again, err := parseHost(h.String())
		if err != nil || again != h {
			t.Errorf("%q is %+v; its text %s is %+v, %v", entry, h, h, again, err)
		}
	})
}
