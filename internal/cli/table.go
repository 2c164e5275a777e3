package cli

import (
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// cell is one field of a table, with the colour it is shown in.
type cell struct{ text, colour string }

// writeTable writes rows in columns. Colours do not count as width, and no line
// ends in blanks.
func writeTable(w io.Writer, c colours, rows [][]cell) {
	var widths []int
	for _, row := range rows {
		for i, f := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(f.text))
		}
	}
	for _, row := range rows {
		for len(row) > 0 && row[len(row)-1].text == "" {
			row = row[:len(row)-1]
		}
		for i, f := range row {
			text := printed(f.text)
			if f.colour != "" {
				text = f.colour + text + c.reset
			}
			if i+1 < len(row) {
				text += strings.Repeat(" ", widths[i]-utf8.RuneCountInString(f.text))
			}
			io.WriteString(w, "  "+text)
		}
		fmt.Fprintln(w)
	}
}
