package regex

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/cloister-ai/cloister/internal/csharp/clr"
)

func thread(limits clr.Limits) *clr.Thread {
	t := &clr.Thread{Now: time.Now}
	t.Start(context.Background(), limits)
	return t
}

// call calls a member and gives its value, or what it threw.
func call(t *clr.Thread, f clr.Family, key string, args ...clr.Value) (v clr.Value, thrown any) {
	defer func() { thrown = recover() }()
	do := f.Do[key]
	if do == nil {
		do = f.Do[space+"."+key]
	}
	return do(&clr.Call{Thread: t, Args: args}), nil
}

func TestScratchMono(t *testing.T) {
	data, err := os.ReadFile("/tmp/mx/out.txt")
	if err != nil {
		t.Skip()
	}
	f := Family()
	mode := 0
	for _, line := range strings.Split(string(data), "\n") {
		if line == "--ecma" {
			mode = 1
			continue
		}
		parts := strings.SplitN(line, "\t", 2)
		if len(parts) != 2 {
			continue
		}
		un := func(s string) string { return strings.ReplaceAll(s, "\\0", "\x00") }
		p, want := parts[0], parts[1]
		th := thread(clr.DefaultLimits())
		got := ""
		switch {
		case strings.HasPrefix(p, "U "):
			v, e := call(th, f, "Regex.Unescape(string)", clr.Str(p[2:]))
			got = v.S
			if e != nil {
				got = "System.ArgumentException: " + e.(*clr.Thrown).Message
			}
		case strings.HasPrefix(p, "R "):
			for i, o := range []int64{0, 256, 64} {
				v, e := call(th, f, "Regex.Replace(string, string, string, RegexOptions)", clr.Str("xaby"), clr.Str("(a)(?<n>b)"), clr.Str(p[2:]), clr.Number(clr.Int32, o))
				if e != nil {
					got = "System.ArgumentException: " + e.(*clr.Thrown).Message
					break
				}
				got += []string{"", "   E:", "   RTL:"}[i] + v.S
			}
		case mode == 0 && strings.HasPrefix(want, "System.Argument") || strings.HasPrefix(want, "ok "):
			if strings.Contains(p, "\\n b") {
				p = strings.ReplaceAll(p, "\\n", "\n")
			}
			if p == `a\0b` {
				p = un(p)
			}
			prog, e := compile(p, 0)
			if e != nil {
				got = `System.ArgumentException: parsing "` + p + `" - ` + e.Error() + " []"
			} else {
				names := make([]string, len(prog.numbers))
				for i, n := range prog.numbers {
					names[i] = fmt.Sprint(n)
					for k, v := range prog.byName {
						if v == n {
							names[i] = k
						}
					}
				}
				got = "ok " + strings.Join(names, ",") + " | " + strings.Trim(strings.ReplaceAll(fmt.Sprint(prog.numbers), " ", ","), "[]")
			}
		case mode == 1:
			_, e := compile(p, ecmaScript)
			got = "ok"
			if e != nil {
				got = `System.ArgumentException: parsing "` + p + `" - ` + e.Error()
			}
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", p, got, want)
		}
	}
}
