package text

import (
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

// Encoding is a System.Text.Encoding. There is one of each; only Clone makes
// another.
type Encoding struct {
	t *clr.Type
	// name is WebName, BodyName and HeaderName, title EncodingName.
	name, title string
	// page is CodePage, windows WindowsCodePage.
	page, windows int
	preamble      string
	aliases       string
	flags         encodingFlags
	codec         codec
	// most is the most bytes of a code unit, extra the units that
	// GetMaxByteCount adds.
	most, extra int
	writable    bool
}

// Type is the class of .NET.
func (e *Encoding) Type() *clr.Type { return e.t }

type encodingFlags struct {
	browserDisplay, browserSave, mailDisplay, mailSave, singleByte bool
}

// codec changes between strings and bytes. What cannot be changed becomes U+FFFD
// or a question mark, as .NET says.
type codec interface {
	encode(s string) []byte
	decode(b []byte) string
	// maxChars is GetMaxCharCount.
	maxChars(n int) int
}

func encodingType(name string) *clr.Type { return clr.Named("System.Text", name, 0) }

var (
	encodingBase   = encodingType("Encoding")
	utf8Type       = encodingType("UTF8Encoding")
	asciiType      = encodingType("ASCIIEncoding")
	utf16Type      = encodingType("UnicodeEncoding")
	utf32Type      = encodingType("UTF32Encoding")
	utf7Type       = encodingType("UTF7Encoding")
	latinType      = encodingType("Latin1Encoding")
	singleByteType = encodingType("SBCSCodePageEncoding")
	doubleByteType = encodingType("DBCSCodePageEncoding")
)

var encodingTypes = []*clr.Type{
	encodingBase, utf8Type, asciiType, utf16Type, utf32Type, utf7Type, latinType, singleByteType, doubleByteType,
}

// The encodings that have a property.
var (
	utf8Encoding = &Encoding{
		t: utf8Type, name: "utf-8", title: "Unicode (UTF-8)", page: 65001, windows: 1200, preamble: "\xEF\xBB\xBF",
		aliases: "unicode-1-1-utf-8 unicode-2-0-utf-8 x-unicode-1-1-utf-8 x-unicode-2-0-utf-8",
		flags:   encodingFlags{true, true, true, true, false}, codec: utf8Codec{}, most: 3, extra: 1,
	}
	asciiEncoding = &Encoding{
		t: asciiType, name: "us-ascii", title: "US-ASCII", page: 20127, windows: 1252,
		aliases: "ansi_x3.4-1968 ansi_x3.4-1986 ascii cp367 csascii ibm367 iso-ir-6 iso646-us iso_646.irv:1991 us",
		flags:   encodingFlags{false, false, true, true, true}, codec: asciiCodec{}, most: 1, extra: 1,
	}
	utf16Encoding = &Encoding{
		t: utf16Type, name: "utf-16", title: "Unicode", page: 1200, windows: 1200, preamble: "\xFF\xFE",
		aliases: "csunicode iso-10646-ucs-2 ucs-2 unicode utf-16le",
		flags:   encodingFlags{browserSave: true}, codec: utf16Codec{}, most: 2, extra: 1,
	}
	utf16BEEncoding = &Encoding{
		t: utf16Type, name: "utf-16BE", title: "Unicode (Big-Endian)", page: 1201, windows: 1200, preamble: "\xFE\xFF",
		aliases: "unicodefffe utf-16be", codec: utf16Codec{big: true}, most: 2, extra: 1,
	}
	utf32Encoding = &Encoding{
		t: utf32Type, name: "utf-32", title: "Unicode (UTF-32)", page: 12000, windows: 1200, preamble: "\xFF\xFE\x00\x00",
		aliases: "ucs-4 utf-32le", codec: utf32Codec{}, most: 4, extra: 1,
	}
	utf32BEEncoding = &Encoding{
		t: utf32Type, name: "utf-32BE", title: "Unicode (UTF-32 Big-Endian)", page: 12001, windows: 1200, preamble: "\x00\x00\xFE\xFF",
		aliases: "utf-32be", codec: utf32Codec{big: true}, most: 4, extra: 1,
	}
	utf7Encoding = &Encoding{
		t: utf7Type, name: "utf-7", title: "Unicode (UTF-7)", page: 65000, windows: 1200,
		aliases: "csunicode11utf7 unicode-1-1-utf-7 unicode-2-0-utf-7 x-unicode-1-1-utf-7 x-unicode-2-0-utf-7",
		flags:   encodingFlags{mailDisplay: true, mailSave: true}, codec: utf7Codec{}, most: 3,
	}
	latinEncoding = &Encoding{
		t: latinType, name: "iso-8859-1", title: "Western European (ISO)", page: 28591, windows: 1252,
		aliases: "cp819 csisolatin1 ibm819 iso-ir-100 iso8859-1 iso_8859-1 iso_8859-1:1987 l1 latin1",
		flags:   encodingFlags{true, true, true, true, true}, codec: latinCodec{}, most: 1, extra: 1,
	}
)

// pages are the code pages of golang.org/x/text that the Framework has too.
var pages = []struct {
	page, windows int
	name, title   string
	aliases       string
	encoding      encoding.Encoding
}{
	{437, 1252, "IBM437", "OEM United States", "cp437 437 cspc8codepage437", charmap.CodePage437},
	{850, 1252, "ibm850", "Western European (DOS)", "cp850", charmap.CodePage850},
	{852, 1250, "ibm852", "Central European (DOS)", "cp852 852", charmap.CodePage852},
	{855, 1252, "IBM855", "OEM Cyrillic", "cp855 855", charmap.CodePage855},
	{866, 1251, "cp866", "Cyrillic (DOS)", "ibm866", charmap.CodePage866},
	{874, 874, "windows-874", "Thai (Windows)", "iso-8859-11 tis-620 dos-874", charmap.Windows874},
	{932, 932, "shift_jis", "Japanese (Shift-JIS)", "csshiftjis cswindows31j ms_kanji shift-jis sjis x-sjis", japanese.ShiftJIS},
	{936, 936, "gb2312", "Chinese Simplified (GB2312)", "chinese cn-gb csgb2312 gb231280 gb_2312-80 gbk", simplifiedchinese.GBK},
	{949, 949, "ks_c_5601-1987", "Korean", "korean ks_c_5601 ks-c5601 ksc_5601 csksc56011987", korean.EUCKR},
	{950, 950, "big5", "Chinese Traditional (Big5)", "big5-hkscs cn-big5 csbig5 x-x-big5", traditionalchinese.Big5},
	{1250, 1250, "windows-1250", "Central European (Windows)", "x-cp1250", charmap.Windows1250},
	{1251, 1251, "windows-1251", "Cyrillic (Windows)", "x-cp1251", charmap.Windows1251},
	{1252, 1252, "Windows-1252", "Western European (Windows)", "x-ansi", charmap.Windows1252},
	{1253, 1253, "windows-1253", "Greek (Windows)", "", charmap.Windows1253},
	{1254, 1254, "windows-1254", "Turkish (Windows)", "", charmap.Windows1254},
	{1255, 1255, "windows-1255", "Hebrew (Windows)", "", charmap.Windows1255},
	{1256, 1256, "windows-1256", "Arabic (Windows)", "cp1256", charmap.Windows1256},
	{1257, 1257, "windows-1257", "Baltic (Windows)", "", charmap.Windows1257},
	{1258, 1258, "windows-1258", "Vietnamese (Windows)", "", charmap.Windows1258},
	{10000, 1252, "macintosh", "Western European (Mac)", "", charmap.Macintosh},
	{20866, 1251, "koi8-r", "Cyrillic (KOI8-R)", "cskoi8r koi koi8 koi8r", charmap.KOI8R},
	{20932, 932, "EUC-JP", "Japanese (JIS 0208-1990 and 0212-1990)", "", japanese.EUCJP},
	{21866, 1251, "koi8-u", "Cyrillic (KOI8-U)", "koi8-ru", charmap.KOI8U},
	{28592, 1250, "iso-8859-2", "Central European (ISO)", "csisolatin2 iso_8859-2 iso8859-2 l2 latin2", charmap.ISO8859_2},
	{28593, 1254, "iso-8859-3", "Latin 3 (ISO)", "csisolatin3 iso_8859-3 l3 latin3", charmap.ISO8859_3},
	{28594, 1257, "iso-8859-4", "Baltic (ISO)", "csisolatin4 iso_8859-4 l4 latin4", charmap.ISO8859_4},
	{28595, 1251, "iso-8859-5", "Cyrillic (ISO)", "csisolatincyrillic cyrillic iso_8859-5", charmap.ISO8859_5},
	{28596, 1256, "iso-8859-6", "Arabic (ISO)", "arabic csisolatinarabic iso_8859-6", charmap.ISO8859_6},
	{28597, 1253, "iso-8859-7", "Greek (ISO)", "csisolatingreek greek greek8 iso_8859-7", charmap.ISO8859_7},
	{28598, 1255, "iso-8859-8", "Hebrew (ISO-Visual)", "csisolatinhebrew hebrew iso_8859-8 visual", charmap.ISO8859_8},
	{28599, 1254, "iso-8859-9", "Turkish (ISO)", "csisolatin5 iso_8859-9 l5 latin5", charmap.ISO8859_9},
	{28603, 1257, "iso-8859-13", "Estonian (ISO)", "", charmap.ISO8859_13},
	{28605, 1252, "iso-8859-15", "Latin 9 (ISO)", "csisolatin9 iso_8859-15 l9 latin9", charmap.ISO8859_15},
	{38598, 1255, "iso-8859-8-i", "Hebrew (ISO-Logical)", "logical", charmap.ISO8859_8},
	{51932, 932, "euc-jp", "Japanese (EUC)", "cseucpkdfmtjapanese x-euc x-euc-jp", japanese.EUCJP},
	{51949, 949, "euc-kr", "Korean (EUC)", "cseuckr iso-2022-kr-8 iso-2022-kr-8bit", korean.EUCKR},
	{54936, 936, "GB18030", "Chinese Simplified (GB18030)", "", simplifiedchinese.GB18030},
}

// encodings are all of them, by code page and by their names in small letters.
var encodings, encodingNames = func() (map[int]*Encoding, map[string]*Encoding) {
	byPage, byName := map[int]*Encoding{}, map[string]*Encoding{}
	all := []*Encoding{
		utf8Encoding, asciiEncoding, utf16Encoding, utf16BEEncoding, utf32Encoding, utf32BEEncoding, utf7Encoding, latinEncoding,
	}
	for _, p := range pages {
		e := &Encoding{
			t: singleByteType, name: p.name, title: p.title, page: p.page, windows: p.windows, aliases: p.aliases,
			flags: encodingFlags{true, true, true, true, true}, codec: pageCodec{p.encoding}, most: 1, extra: 1,
		}
		if _, single := p.encoding.(*charmap.Charmap); !single {
			e.t, e.most, e.flags.singleByte = doubleByteType, 2, false
			if p.page == 54936 {
				e.most = 4
			}
		}
		all = append(all, e)
	}
	for _, e := range all {
		byPage[e.page] = e
		byName[strings.ToLower(e.name)] = e
		for _, a := range strings.Fields(e.aliases) {
			byName[a] = e
		}
	}
	return byPage, byName
}()

// GetEncoding is Encoding.GetEncoding(name), without the names that .NET does
// not know; nil: there is none.
func GetEncoding(name string) *Encoding { return encodingNames[strings.ToLower(name)] }

const seeRegister = "For information on defining a custom encoding, see the documentation for the Encoding.RegisterProvider method."

func encodingByName(c *clr.Call) clr.Value {
	name := c.Text(0, "name")
	e := GetEncoding(name)
	if e == nil {
		c.ThrowArgument("'"+name+"' is not a supported encoding name. "+seeRegister, "name")
	}
	return clr.Obj(e)
}

func encodingByPage(c *clr.Call) clr.Value {
	n := c.Int(0)
	e := encodings[n]
	switch {
	case e != nil:
	case n < 0 || n > 65535:
		c.ThrowRange("codepage", "Valid values are between 0 and 65535, inclusive.")
	case n == 0:
		e = utf8Encoding
	case n == 1 || n == 2 || n == 3 || n == 42:
		c.ThrowArgument(c.Thread.Text(c.Args[0])+" is not a supported code page.", "codepage")
	default:
		c.Throw(clr.NotSupportedException, "No data is available for encoding "+c.Thread.Text(c.Args[0])+". "+seeRegister)
	}
	return clr.Obj(e)
}

func encodingOf(c *clr.Call) *Encoding { return c.Args[0].O.(*Encoding) }

func sameEncoding(a, b clr.Value) bool {
	x, _ := a.O.(*Encoding)
	y, _ := b.O.(*Encoding)
	return x != nil && y != nil && x.t == y.t && x.page == y.page
}

var encodingHooks = &clr.Hooks{
	Text:  func(_ *clr.Thread, v clr.Value) string { return v.O.(*Encoding).t.FullName() },
	Equal: func(_ *clr.Thread, v, o clr.Value) bool { return sameEncoding(v, o) },
	Hash:  func(_ *clr.Thread, v clr.Value) uint64 { return uint64(v.O.(*Encoding).page) },
}

func encodingValue(e *Encoding) clr.Func { return func(*clr.Call) clr.Value { return clr.Obj(e) } }

// ofEncoding reads a property.
func ofEncoding(f func(e *Encoding) clr.Value) clr.Func {
	return func(c *clr.Call) clr.Value { return f(encodingOf(c)) }
}

var encodingMembers = map[string]clr.Func{
	"System.Text.Encoding.UTF8":                encodingValue(utf8Encoding),
	"System.Text.Encoding.Default":             encodingValue(utf8Encoding),
	"System.Text.Encoding.ASCII":               encodingValue(asciiEncoding),
	"System.Text.Encoding.Unicode":             encodingValue(utf16Encoding),
	"System.Text.Encoding.BigEndianUnicode":    encodingValue(utf16BEEncoding),
	"System.Text.Encoding.UTF32":               encodingValue(utf32Encoding),
	"System.Text.Encoding.UTF7":                encodingValue(utf7Encoding),
	"System.Text.Encoding.GetEncoding(string)": encodingByName,
	"System.Text.Encoding.GetEncoding(int)":    encodingByPage,

	"System.Text.Encoding.BodyName":          ofEncoding(func(e *Encoding) clr.Value { return clr.Str(e.name) }),
	"System.Text.Encoding.HeaderName":        ofEncoding(func(e *Encoding) clr.Value { return clr.Str(e.name) }),
	"System.Text.Encoding.WebName":           ofEncoding(func(e *Encoding) clr.Value { return clr.Str(e.name) }),
	"System.Text.Encoding.EncodingName":      ofEncoding(func(e *Encoding) clr.Value { return clr.Str(e.title) }),
	"System.Text.Encoding.CodePage":          ofEncoding(func(e *Encoding) clr.Value { return clr.Int(int32(e.page)) }),
	"System.Text.Encoding.WindowsCodePage":   ofEncoding(func(e *Encoding) clr.Value { return clr.Int(int32(e.windows)) }),
	"System.Text.Encoding.IsBrowserDisplay":  ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(e.flags.browserDisplay) }),
	"System.Text.Encoding.IsBrowserSave":     ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(e.flags.browserSave) }),
	"System.Text.Encoding.IsMailNewsDisplay": ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(e.flags.mailDisplay) }),
	"System.Text.Encoding.IsMailNewsSave":    ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(e.flags.mailSave) }),
	"System.Text.Encoding.IsSingleByte":      ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(e.flags.singleByte) }),
	"System.Text.Encoding.IsReadOnly":        ofEncoding(func(e *Encoding) clr.Value { return clr.Bool(!e.writable) }),
	"System.Text.Encoding.IsAlwaysNormalized()": ofEncoding(func(e *Encoding) clr.Value {
		return clr.Bool(e == latinEncoding)
	}),
	"System.Text.Encoding.IsAlwaysNormalized(NormalizationForm)": func(c *clr.Call) clr.Value {
		return clr.Bool(encodingOf(c) == latinEncoding && c.Int(1) == 1)
	},
	"System.Text.Encoding.GetPreamble()": func(c *clr.Call) clr.Value {
		return c.BytesValue([]byte(encodingOf(c).preamble))
	},
	"System.Text.Encoding.Clone()": func(c *clr.Call) clr.Value {
		c.Allocate(96)
		e := *encodingOf(c)
		e.writable = true
		return clr.Obj(&e)
	},
	"System.Text.Encoding.Equals(object)": func(c *clr.Call) clr.Value { return clr.Bool(sameEncoding(c.Args[0], c.Args[1])) },
	"System.Text.Encoding.GetHashCode()":  ofEncoding(func(e *Encoding) clr.Value { return clr.Int(int32(e.page)) }),
	"System.Text.Encoding.GetMaxByteCount(int)": func(c *clr.Call) clr.Value {
		e, n := encodingOf(c), c.Int(1)
		if n < 0 {
			c.ThrowRange("charCount", nonNegative)
		}
		n = (n + e.extra) * e.most
		if e == utf7Encoding {
			n += 2
		}
		if n > mostChars {
			c.ThrowRange("charCount", "Too many characters. The resulting number of bytes is larger than what can be returned as an int.")
		}
		return clr.Int(int32(n))
	},
	"System.Text.Encoding.GetMaxCharCount(int)": func(c *clr.Call) clr.Value {
		n := c.Int(1)
		if n < 0 {
			c.ThrowRange("byteCount", nonNegative)
		}
		if n = encodingOf(c).codec.maxChars(n); n > mostChars {
			c.ThrowRange("byteCount", "Too many bytes. The resulting number of chars is larger than what can be returned as an int.")
		}
		return clr.Int(int32(n))
	},
}
