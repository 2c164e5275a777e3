package openai

// Kind groups operations. Where OpenTelemetry's GenAI conventions have a name
// for it (gen_ai.operation.name), the value is that name.
type Kind string

// The kinds of operations.
const (
	KindChat       Kind = "chat"
	KindCompletion Kind = "text_completion"
	KindEmbedding  Kind = "embeddings"
	KindResponse   Kind = "response"
	KindAudio      Kind = "audio"
	KindImage      Kind = "image"
	KindRealtime   Kind = "realtime"
	KindModel      Kind = "model"
	KindFile       Kind = "file"
	KindBatch      Kind = "batch"
	// KindOther is everything else that the data plane is known to offer:
	// assistants, threads, vector stores, evaluations, fine-tuning, …
	KindOther Kind = "other"
)

// Surface is the form of the URL an operation was named by.
type Surface string

// The surfaces. Each may stand behind a path prefix.
const (
	// SurfaceDeployment is /openai/deployments/{deployment}/…, with api-version.
	SurfaceDeployment Surface = "deployment"
	// SurfaceResource is /openai/…, with api-version.
	SurfaceResource Surface = "resource"
	// SurfaceV1 is /openai/v1/… and, for compatible servers, /v1/….
	SurfaceV1 Surface = "v1"
	// SurfaceInference is /models/chat/completions and its like.
	SurfaceInference Surface = "inference"
)

// Operation is one operation of the model API on one surface. Operations are
// shared and never written to.
type Operation struct {
	// Name is the path below the surface's root with variables in braces:
	// "chat/completions", "responses/{id}/cancel".
	Name    string
	Method  string
	Surface Surface
	Kind    Kind
	// HasModelBody: the body is a JSON object that may name a model, so it is
	// scanned before it is forwarded. True on the deployment surface as well,
	// where a "model" in the body has to agree with the path's deployment.
	HasModelBody bool
	// Streams: the answer may be a stream of server-sent events.
	Streams bool
	// Multipart: the body is multipart/form-data; a model that it names stands
	// in a form field, which nobody scans.
	Multipart bool
	// Upgrade: the request asks for a WebSocket.
	Upgrade bool
}

// String returns method, surface and name, for logs.
func (op *Operation) String() string {
	return op.Method + " " + string(op.Surface) + ":" + op.Name
}

const (
	scans    = 1 << iota // HasModelBody
	streams              // Streams
	multi                // Multipart
	upgrades             // Upgrade
)

func op(s Surface, method, name string, k Kind, flags int) *Operation {
	return &Operation{
		Name: name, Method: method, Surface: s, Kind: k,
		HasModelBody: flags&scans != 0, Streams: flags&streams != 0,
		Multipart: flags&multi != 0, Upgrade: flags&upgrades != 0,
	}
}

// The tables are constants in all but the language: nothing writes to them.
// The busiest operations stand first, and a literal before the variable that
// would also match it.
var (
	deploymentOps = []*Operation{
		op(SurfaceDeployment, "POST", "chat/completions", KindChat, scans|streams),
		op(SurfaceDeployment, "POST", "embeddings", KindEmbedding, scans),
		op(SurfaceDeployment, "POST", "completions", KindCompletion, scans|streams),
		op(SurfaceDeployment, "POST", "extensions/chat/completions", KindChat, scans|streams),
		op(SurfaceDeployment, "POST", "audio/speech", KindAudio, scans|streams),
		op(SurfaceDeployment, "POST", "audio/transcriptions", KindAudio, multi|streams),
		op(SurfaceDeployment, "POST", "audio/translations", KindAudio, multi),
		op(SurfaceDeployment, "POST", "images/generations", KindImage, scans|streams),
		op(SurfaceDeployment, "POST", "images/edits", KindImage, multi|streams),
		op(SurfaceDeployment, "POST", "images/variations", KindImage, multi),
		op(SurfaceDeployment, "POST", "batches", KindBatch, scans),
	}

	// commonOps stand below /openai/ (with api-version) and below /openai/v1/.
	commonOps = []opSpec{
		{"POST", "responses", KindResponse, scans | streams},
		{"GET", "responses/{id}", KindResponse, streams},
		{"DELETE", "responses/{id}", KindResponse, 0},
		{"POST", "responses/{id}/cancel", KindResponse, 0},
		{"GET", "responses/{id}/input_items", KindResponse, 0},
		{"POST", "responses/compact", KindResponse, scans},
		{"POST", "responses/input_tokens", KindResponse, scans},
		{"GET", "models", KindModel, 0},
		{"GET", "models/{id}", KindModel, 0},
		{"DELETE", "models/{id}", KindModel, 0},
		{"GET", "realtime", KindRealtime, upgrades},
		{"POST", "realtime/sessions", KindRealtime, scans},
		{"POST", "realtime/client_secrets", KindRealtime, scans},
		{"POST", "realtime/calls", KindRealtime, multi},
		{"GET", "files", KindFile, 0},
		{"POST", "files", KindFile, multi},
		{"POST", "files/import", KindFile, 0},
		{"GET", "files/{id}", KindFile, 0},
		{"DELETE", "files/{id}", KindFile, 0},
		{"GET", "files/{id}/content", KindFile, 0},
		{"POST", "uploads", KindFile, 0},
		{"POST", "uploads/{id}/parts", KindFile, multi},
		{"POST", "uploads/{id}/complete", KindFile, 0},
		{"POST", "uploads/{id}/cancel", KindFile, 0},
		{"GET", "batches", KindBatch, 0},
		{"POST", "batches", KindBatch, scans},
		{"GET", "batches/{id}", KindBatch, 0},
		{"POST", "batches/{id}/cancel", KindBatch, 0},
		{"POST", "assistants", KindOther, scans},
		{"POST", "assistants/{id}", KindOther, scans},
		{"POST", "threads/runs", KindOther, scans | streams},
		{"POST", "threads/{id}/runs", KindOther, scans | streams},
		{"*", "assistants/{*}", KindOther, 0},
		{"*", "threads/{*}", KindOther, 0},
		{"*", "vector_stores/{*}", KindOther, 0},
		{"*", "containers/{*}", KindOther, 0},
		{"*", "conversations/{*}", KindOther, 0},
		{"POST", "evals/{id}/runs", KindOther, scans},
		{"*", "evals/{*}", KindOther, 0},
		{"POST", "fine_tuning/jobs", KindOther, scans},
		{"*", "fine_tuning/{*}", KindOther, 0},
		{"POST", "videos", KindOther, 0},
		{"*", "videos/{*}", KindOther, 0},
	}

	// v1Ops stand below /openai/v1/ alone: there the body names the model.
	v1Ops = []opSpec{
		{"POST", "chat/completions", KindChat, scans | streams},
		{"POST", "embeddings", KindEmbedding, scans},
		{"POST", "completions", KindCompletion, scans | streams},
		{"GET", "chat/completions", KindChat, 0},
		{"GET", "chat/completions/{id}", KindChat, 0},
		{"POST", "chat/completions/{id}", KindChat, 0},
		{"DELETE", "chat/completions/{id}", KindChat, 0},
		{"GET", "chat/completions/{id}/messages", KindChat, 0},
		{"POST", "audio/speech", KindAudio, scans | streams},
		{"POST", "audio/transcriptions", KindAudio, multi | streams},
		{"POST", "audio/translations", KindAudio, multi},
		{"POST", "images/generations", KindImage, scans | streams},
		{"POST", "images/edits", KindImage, multi | streams},
		{"POST", "images/variations", KindImage, multi},
		{"POST", "moderations", KindOther, scans},
	}

	resourceTable  = table(SurfaceResource, commonOps)
	v1Table        = table(SurfaceV1, v1Ops, commonOps)
	inferenceTable = table(SurfaceInference, []opSpec{
		{"POST", "chat/completions", KindChat, scans | streams},
		{"POST", "embeddings", KindEmbedding, scans},
		{"POST", "images/embeddings", KindEmbedding, scans},
	})
)

type opSpec struct {
	method, name string
	kind         Kind
	flags        int
}

func table(s Surface, lists ...[]opSpec) []*Operation {
	var ops []*Operation
	for _, l := range lists {
		for _, o := range l {
			ops = append(ops, op(s, o.method, o.name, o.kind, o.flags))
		}
	}
	return ops
}
