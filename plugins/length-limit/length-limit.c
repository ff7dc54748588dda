// length-limit refuses an input that has more characters than its
// configuration allows.
//
// It is an ordinary program. The host gives it the context of a hook on
// standard input, and it answers as a program does:
//
//   exit 0, a verdict on standard output     the run goes on
//   exit 2, a text on standard error         the run is refused with this text
//   exit 1, a text on standard error         the hook failed
//
// It reads two things of the context: target.content, the input, which is a JSON
// string or object, and extensions.snaphook.config.max_length. The context is
// scanned as it comes in; nothing of it is kept, so its size does not matter.

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ALLOWED = 0, FAILED = 1, DENIED = 2 };

// Output

// say writes a text to a file descriptor, completely.
static void say(int fd, const char *text)
{
	size_t left = strlen(text);
	while (left > 0) {
		ssize_t written = write(fd, text, left);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			exit(FAILED);
		text += written;
		left -= (size_t)written;
	}
}

// say_number writes a number in decimal digits.
static void say_number(int fd, uint64_t n)
{
	char digits[21] = "";
	size_t at = sizeof digits - 1;
	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	say(fd, digits + at);
}

// fail ends the program: the hook could not decide, and says why.
static _Noreturn void fail(const char *problem)
{
	say(STDERR_FILENO, "length-limit: ");
	say(STDERR_FILENO, problem);
	say(STDERR_FILENO, "\n");
	exit(FAILED);
}

// Input, one byte at a time

enum { END = -1 };

static struct {
	unsigned char bytes[16384];
	size_t at, size;
	// Characters taken so far. UTF-8 marks every byte of a character but the
	// first as 10xxxxxx, so counting the others counts characters.
	uint64_t characters;
} input;

// peek returns the next byte and leaves it there, or END.
static int peek(void)
{
	while (input.at == input.size) {
		ssize_t n = read(STDIN_FILENO, input.bytes, sizeof input.bytes);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			fail("the context cannot be read");
		if (n == 0)
			return END;
		input.at = 0;
		input.size = (size_t)n;
	}
	return input.bytes[input.at];
}

// take returns the next byte and goes on behind it.
static int take(void)
{
	int byte = peek();
	if (byte == END)
		fail("the context ends too early");
	input.at++;
	if ((byte & 0xC0) != 0x80)
		input.characters++;
	return byte;
}

// next skips white space and returns what peek does.
static int next(void)
{
	for (;;) {
		int byte = peek();
		if (byte != ' ' && byte != '\t' && byte != '\n' && byte != '\r')
			return byte;
		take();
	}
}

// take_if goes behind the next byte that is no white space, if it is this one.
static bool take_if(char byte)
{
	if (next() != byte)
		return false;
	take();
	return true;
}

// Strings

// hex reads the four digits of \u0000.
static int hex(void)
{
	int value = 0;
	for (int i = 0; i < 4; i++) {
		int digit = take();
		if (digit >= '0' && digit <= '9')
			digit -= '0';
		else if (digit >= 'a' && digit <= 'f')
			digit -= 'a' - 10;
		else if (digit >= 'A' && digit <= 'F')
			digit -= 'A' - 10;
		else
			fail("the context is not JSON: a bad escape in a string");
		value = value * 16 + digit;
	}
	return value;
}

// OTHER stands for a character that nobody asks for by its code.
enum { OTHER = 0xFFFD };

// escape reads what follows a backslash.
static int escape(void)
{
	int letter = take();
	switch (letter) {
	case '"':
	case '\\':
	case '/':
		return letter;
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return OTHER;
	case 'u':
		return hex();
	}
	fail("the context is not JSON: a bad escape in a string");
}

// character reads one character of a string whose opening quote was taken. It
// returns END behind the closing quote, the code of an ASCII character, the
// UTF-16 unit of \u0000, and OTHER for everything else.
static int character(void)
{
	int byte = take();
	if (byte == '"')
		return END;
	if (byte == '\\')
		return escape();
	if (byte < 0x80)
		return byte;
	while ((peek() & 0xC0) == 0x80)
		take();
	return OTHER;
}

// string_length takes a string and returns how many characters it stands for.
// A character beyond U+FFFF can be written as two escapes, a high and a low
// surrogate; it counts once.
static uint64_t string_length(void)
{
	uint64_t length = 0;
	bool high = false;
	take(); // the opening quote
	for (int c = character(); c != END; c = character()) {
		bool low = c >= 0xDC00 && c <= 0xDFFF;
		if (!(high && low))
			length++;
		high = c >= 0xD800 && c <= 0xDBFF;
	}
	return length;
}

enum { TEXT_SIZE = 24 };

// read_text takes a short string into text. A longer one, and one with a NUL
// or more than ASCII in it, becomes the empty text.
static void read_text(char text[TEXT_SIZE])
{
	size_t size = 0;
	bool fits = true;
	take(); // the opening quote
	for (int c = character(); c != END; c = character()) {
		fits = fits && size < TEXT_SIZE - 1 && c > 0 && c < 0x80;
		if (fits)
			text[size++] = (char)c;
	}
	text[fits ? size : 0] = '\0';
}

// Values. The host wrote the context with a JSON encoder: what is skipped is
// not checked beyond what skipping needs.

// is_scalar reports whether a byte goes on a number, true, false or null.
static bool is_scalar(int byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
	       byte == '-' || byte == '+' || byte == '.' || byte == 'E';
}

// skip_scalar takes a number, true, false or null.
static void skip_scalar(void)
{
	if (!is_scalar(peek()))
		fail("the context is not JSON: a value is missing");
	while (is_scalar(peek()))
		take();
}

// skip_nested takes an object or an array, however deep.
static void skip_nested(void)
{
	uint64_t depth = 0;
	do {
		switch (peek()) {
		case '"':
			string_length();
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			depth--;
			break;
		}
		take();
	} while (depth > 0);
}

// skip_value takes a value of any kind.
static void skip_value(void)
{
	switch (next()) {
	case '"':
		string_length();
		break;
	case '{':
	case '[':
		skip_nested();
		break;
	default:
		skip_scalar();
	}
}

// object takes a value and, if it is an object, calls member for each of its
// members; member takes the value.
static void object(void (*member)(const char *name))
{
	if (next() != '{') {
		skip_value();
		return;
	}
	take();
	if (take_if('}'))
		return;
	do {
		char name[TEXT_SIZE];
		if (next() != '"')
			fail("the context is not JSON: a name is missing");
		read_text(name);
		if (!take_if(':'))
			fail("the context is not JSON: a colon is missing");
		member(name);
	} while (take_if(','));
	if (!take_if('}'))
		fail("the context is not JSON: a comma or brace is missing");
}

// What is wanted of the context. Where a member is repeated the last one
// counts, as it does for the host.

static struct {
	bool has_content, has_max_length;
	uint64_t content_length, max_length;
} found;

// read_content takes the content. A string counts as its characters, anything
// else as its JSON text.
static void read_content(void)
{
	found.has_content = true;
	if (next() == '"') {
		found.content_length = string_length();
		return;
	}
	uint64_t before = input.characters;
	skip_value();
	found.content_length = input.characters - before;
}

// read_max_length takes the limit, a whole number.
static void read_max_length(void)
{
	const uint64_t most = 1000000000;
	uint64_t n = 0;
	if (next() < '0' || peek() > '9')
		fail("config: max_length is not a whole number");
	while (peek() >= '0' && peek() <= '9') {
		n = n * 10 + (uint64_t)(take() - '0');
		if (n > most)
			fail("config: max_length is too large");
	}
	if (is_scalar(peek()))
		fail("config: max_length is not a whole number");
	found.has_max_length = true;
	found.max_length = n;
}

static void in_config(const char *name)
{
	if (strcmp(name, "max_length") == 0)
		read_max_length();
	else
		skip_value();
}

static void in_snaphook(const char *name)
{
	if (strcmp(name, "config") == 0)
		object(in_config);
	else
		skip_value();
}

static void in_extensions(const char *name)
{
	if (strcmp(name, "snaphook") == 0)
		object(in_snaphook);
	else
		skip_value();
}

static void in_target(const char *name)
{
	if (strcmp(name, "content") == 0)
		read_content();
	else
		skip_value();
}

static void in_context(const char *name)
{
	if (strcmp(name, "target") == 0)
		object(in_target);
	else if (strcmp(name, "extensions") == 0)
		object(in_extensions);
	else
		skip_value();
}

// read_context takes the whole context and checks that it was one.
static void read_context(void)
{
	object(in_context);
	if (next() != END)
		fail("the context is not JSON: something follows it");
	if (!found.has_content)
		fail("the context has no target.content");
	if (!found.has_max_length)
		fail("config: max_length is missing");
}

int main(void)
{
	read_context();
	if (found.content_length <= found.max_length) {
		say(STDOUT_FILENO, "{\"decision\":\"allow\"}\n");
		return ALLOWED;
	}
	say(STDERR_FILENO, "The input has ");
	say_number(STDERR_FILENO, found.content_length);
	say(STDERR_FILENO, " characters; at most ");
	say_number(STDERR_FILENO, found.max_length);
	say(STDERR_FILENO, " are allowed.\n");
	return DENIED;
}
