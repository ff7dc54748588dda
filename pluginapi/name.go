package pluginapi

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rules below are written out by hand: a regular expression at package
// level would cost every guest its compilation.

const (
	maxNameLen     = 63
	maxToolNameLen = 64
	maxVersionLen  = 128
	maxExportLen   = 256
)

// validPluginName accepts [a-z][a-z0-9-]*.
func validPluginName(s string) bool {
	return s != "" && len(s) <= maxNameLen && isLower(s[0]) &&
		all(s, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' })
}

// validHookName accepts [A-Za-z_][A-Za-z0-9_-]*.
func validHookName(s string) bool {
	return s != "" && len(s) <= maxNameLen && (isLetter(s[0]) || s[0] == '_') &&
		all(s, func(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '-' })
}

// validToolName accepts [A-Za-z0-9_-].
func validToolName(s string) bool {
	return s != "" && len(s) <= maxToolNameLen &&
		all(s, func(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '-' })
}

// validComponentID accepts [A-Za-z0-9][A-Za-z0-9_-]*.
func validComponentID(s string) bool {
	return s != "" && len(s) <= maxNameLen && isAlphanumeric(s[0]) &&
		all(s, func(c byte) bool { return isAlphanumeric(c) || c == '_' || c == '-' })
}

// validSecretName accepts [A-Z_][A-Z0-9_]*.
func validSecretName(s string) bool {
	return s != "" && len(s) <= maxNameLen && !isDigit(s[0]) &&
		all(s, func(c byte) bool { return isUpper(c) || isDigit(c) || c == '_' })
}

// validExport accepts what a WebAssembly module may call a function, without
// what cannot be printed.
func validExport(s string) bool {
	return s != "" && len(s) <= maxExportLen && utf8.ValidString(s) &&
		!strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) })
}

// validVersion accepts a semantic version (semver.org 2.0.0).
func validVersion(s string) bool {
	if len(s) > maxVersionLen {
		return false
	}
	rest, build, hasBuild := strings.Cut(s, "+")
	core, pre, hasPre := strings.Cut(rest, "-")
	return strings.Count(core, ".") == 2 && each(core, isNumber) &&
		(!hasPre || each(pre, isPreRelease)) &&
		(!hasBuild || each(build, isIdentifier))
}

// each reports whether all parts of s between dots fit.
func each(s string, fits func(string) bool) bool {
	for part := range strings.SplitSeq(s, ".") {
		if !fits(part) {
			return false
		}
	}
	return true
}

// isNumber accepts digits without a leading zero.
func isNumber(s string) bool {
	return s != "" && all(s, isDigit) && (s == "0" || s[0] != '0')
}

func isPreRelease(s string) bool {
	if s != "" && all(s, isDigit) {
		return isNumber(s)
	}
	return isIdentifier(s)
}

func isIdentifier(s string) bool {
	return s != "" && all(s, func(c byte) bool { return isAlphanumeric(c) || c == '-' })
}

func all(s string, fits func(byte) bool) bool {
	for i := range len(s) {
		if !fits(s[i]) {
			return false
		}
	}
	return true
}

func isLower(c byte) bool        { return 'a' <= c && c <= 'z' }
func isUpper(c byte) bool        { return 'A' <= c && c <= 'Z' }
func isDigit(c byte) bool        { return '0' <= c && c <= '9' }
func isLetter(c byte) bool       { return isLower(c) || isUpper(c) }
func isAlphanumeric(c byte) bool { return isLetter(c) || isDigit(c) }
