// Command oracle prints the truth, as CometBFT itself computes it, for random inputs, so that a test in
// another language can compare. See README.md beside this file for the protocol.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"
)

// generators make one case each from a random source, by the name of the kind.
var generators = map[string]func(*source) any{
	"sign-bytes": signBytesCase,
	"keys":       keyCase,
	"signatures": signatureCase,
	"secrets":    secretCase,
	"frames":     frameCase,
	"handshakes": handshakeCase,
	"messages":   messageCase,
	"decodes":    decodeCase,
}

func main() {
	err := run(os.Args[1:], os.Stdout)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "oracle: %v\n", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) == 0 {
		return errors.New("want a command: gen or secret-conn")
	}
	switch args[0] {
	case "gen":
		return generate(args[1:], out)
	case "secret-conn":
		return secretConn(args[1:], out)
	default:
		return fmt.Errorf("no command is called %q: gen or secret-conn", args[0])
	}
}

func generate(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("oracle gen", flag.ContinueOnError)
	kind := flags.String("kind", "", "one of "+strings.Join(kinds(), ", "))
	seed := flags.Uint64("seed", 1, "the same seed, kind and count give the same lines")
	count := flags.Int("count", 1, "how many cases, one JSON line each")
	if err := flags.Parse(args); err != nil {
		return err
	}
	makeCase, ok := generators[*kind]
	if !ok {
		return fmt.Errorf("no kind is called %q: %s", *kind, strings.Join(kinds(), ", "))
	}
	random := newSource(*seed)
	buffered := bufio.NewWriterSize(out, 1<<20)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for range *count {
		if err := encoder.Encode(makeCase(random)); err != nil {
			return err
		}
	}
	return buffered.Flush()
}

func kinds() []string {
	names := make([]string, 0, len(generators))
	for name := range generators {
		names = append(names, name)
	}
	sort.Strings(names)
	return names
}

// hexBytes is written as lower-case hex; nil is null, which says that CometBFT refused.
type hexBytes []byte

func (b hexBytes) MarshalJSON() ([]byte, error) {
	if b == nil {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(b))
}

// must is for what cannot fail unless the oracle itself is wrong.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
