package proxy

import (
	"fmt"
	"io"
	"os"
	"time"
)

// output is where the log goes; tests that don't read it throw it away.
var output io.Writer = os.Stdout

var started = time.Now()

// warn and info write lines in the form of Linkerd's proxy: seconds since the start, level, where, what.
func warn(where, format string, arguments ...any) { line("WARN", where, format, arguments...) }
func info(where, format string, arguments ...any) { line("INFO", where, format, arguments...) }

func line(level, where, format string, arguments ...any) {
	fmt.Fprintf(output, "[%12.6fs] %5s ThreadId(01) %s: %s\n", time.Since(started).Seconds(), level, where, fmt.Sprintf(format, arguments...))
}
