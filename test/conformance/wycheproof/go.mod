// A module of its own: the vectors are 109 MB, which nobody who builds
// Cloister should have to fetch.
module github.com/cloister-ai/cloister/test/conformance/wycheproof

go 1.26.4

require (
	github.com/c2sp/wycheproof v0.0.0-20260902155932-3fa63dd0344a
	github.com/cloister-ai/cloister v0.0.0
)

require (
	go.yaml.in/yaml/v3 v3.0.6 // indirect
	golang.org/x/text v0.43.0 // indirect
)

replace github.com/cloister-ai/cloister => ../../..
