const END: i32 = -1; // what charCodeAt gives behind the end
const QUOTE: i32 = 0x22;
const COMMA: i32 = 0x2c;
const COLON: i32 = 0x3a;
const BACKSLASH: i32 = 0x5c;
const OPEN_LIST: i32 = 0x5b;
const CLOSE_LIST: i32 = 0x5d;
const OPEN_OBJECT: i32 = 0x7b;
const CLOSE_OBJECT: i32 = 0x7d;

/** Scanner walks through a JSON text that an encoder has written. When the text
 * ends too early, failed is set. */
export class Scanner {
  failed: bool = false;
  private at: i32 = 0;

  constructor(private text: string) {}

  /** Goes to the value of a member of the object ahead, and reports whether
   * there is such a member. */
  enter(name: string): bool {
    if (!this.takeIf(OPEN_OBJECT)) return false;
    while (this.next() == QUOTE) {
      const found = this.string() == name;
      if (!this.takeIf(COLON)) break;
      if (found) return true;
      this.value();
      if (!this.takeIf(COMMA)) break;
    }
    return false;
  }

  /** Reports whether the value ahead is a list. */
  isList(): bool {
    return this.next() == OPEN_LIST;
  }

  /** Goes behind the value ahead. Returns the strings in it, names of members
   * included. */
  value(): string[] {
    const strings: string[] = [];
    let depth = 0;
    do {
      const unit = this.next();
      if (unit == END) {
        this.failed = true;
      } else if (unit == QUOTE) {
        strings.push(this.string());
      } else if (isPunctuation(unit)) {
        this.at++;
        if (unit == OPEN_OBJECT || unit == OPEN_LIST) depth++;
        if (unit == CLOSE_OBJECT || unit == CLOSE_LIST) depth--;
      } else {
        this.scalar();
      }
    } while (depth > 0 && !this.failed);
    return strings;
  }

  /** Goes behind a number, true, false or null. */
  private scalar(): void {
    let unit: i32;
    do {
      unit = this.text.charCodeAt(++this.at);
    } while (unit != END && !isPunctuation(unit) && !isSpace(unit));
  }

  /** Goes behind the string ahead and returns what it stands for. */
  private string(): string {
    const units: i32[] = [];
    this.at++;
    for (let unit = this.take(); unit != QUOTE && !this.failed; unit = this.take()) {
      units.push(unit == BACKSLASH ? this.escape() : unit);
    }
    return String.fromCharCodes(units);
  }

  /** Reads what follows a backslash. */
  private escape(): i32 {
    const letter = this.take();
    switch (letter) {
      case 0x62: return 0x08; // \b
      case 0x66: return 0x0c; // \f
      case 0x6e: return 0x0a; // \n
      case 0x72: return 0x0d; // \r
      case 0x74: return 0x09; // \t
      case 0x75: return this.hex(); // \u0000
      default: return letter;
    }
  }

  /** Reads four hexadecimal digits. */
  private hex(): i32 {
    const digits = this.text.substr(this.at, 4);
    this.at += 4;
    return I32.parseInt(digits, 16);
  }

  /** Returns the code unit ahead, which has to be there, and goes behind it. */
  private take(): i32 {
    const unit = this.text.charCodeAt(this.at++);
    if (unit == END) this.failed = true;
    return unit;
  }

  private takeIf(unit: i32): bool {
    if (this.next() != unit) return false;
    this.at++;
    return true;
  }

  /** Skips white space and returns the code unit ahead, or END. */
  private next(): i32 {
    while (isSpace(this.text.charCodeAt(this.at))) this.at++;
    return this.text.charCodeAt(this.at);
  }
}

function isSpace(unit: i32): bool {
  return unit == 0x20 || unit == 0x09 || unit == 0x0a || unit == 0x0d;
}

function isPunctuation(unit: i32): bool {
  return (
    unit == COMMA || unit == COLON || unit == OPEN_LIST || unit == CLOSE_LIST || unit == OPEN_OBJECT || unit == CLOSE_OBJECT
  );
}
