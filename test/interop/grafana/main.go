// Reads a dashboard by Grafana's own schema, strictly: what is missing, unknown or of another type is told,
// a line each, and ends it with 1.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

func main() {
	if err := check(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func check(path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	// A panel or query of another kind would be read as anything at all, so only these are known.
	runtime := cog.NewRuntime()
	runtime.RegisterPanelcfgVariant(stat.VariantConfig())
	runtime.RegisterPanelcfgVariant(timeseries.VariantConfig())
	runtime.RegisterDataqueryVariant(prometheus.VariantConfig())
	var board dashboard.Dashboard
	// It answers with a list of faults, which is an error of its own where it is empty.
	var faults cog.BuildErrors
	err = board.UnmarshalJSONStrict(text)
	if err != nil && !(errors.As(err, &faults) && len(faults) == 0) {
		return err
	}
	return board.Validate()
}
