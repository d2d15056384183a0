package course

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// streamType is what a page accepts that wants to know where in the queue it
// is: lines of JSON, {"waiting":...} any number of times, then the answer as
// {"status":200,"body":...}. Others get the answer alone.
const streamType = "application/x-ndjson"

// waiting is a place in a queue.
type waiting struct {
	Kernel   string `json:"kernel"`   // whose virtual machine it waits for, "" for the simulator
	Position int    `json:"position"` // jobs that are served before, 1 is next
	Seconds  int    `json:"seconds"`  // about
}

// seconds are whole ones, rounded up.
func seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// maxWrite is how long writing a line may take, and the way to the next one.
const maxWrite = time.Minute

// reply writes one answer, as a stream or whole.
type reply struct {
	w      http.ResponseWriter
	stream bool
	begun  bool
}

func (r *reply) waiting(at waiting) {
	if r.stream {
		r.line(map[string]any{"waiting": at})
	}
}

func (r *reply) line(v any) {
	if !r.begun {
		r.begun = true
		r.head(http.StatusOK, streamType)
	}
	r.write(v)
}

func (r *reply) head(status int, kind string) {
	r.w.Header().Set("Content-Type", kind)
	r.w.Header().Set("Cache-Control", "no-store")
	r.w.WriteHeader(status)
}

func (r *reply) end(status int, v any) {
	if r.stream {
		r.line(map[string]any{"status": status, "body": v})
		return
	}
	r.head(status, "application/json")
	r.write(v)
}

func (r *reply) write(v any) {
	c := http.NewResponseController(r.w)
	c.SetWriteDeadline(time.Now().Add(maxWrite)) // a queue may take longer than what the server gives a request
	json.NewEncoder(r.w).Encode(v)
	c.Flush()
}

func (r *reply) refuse(no *refusal) {
	e := map[string]any{"code": no.code, "message": no.message}
	if no.retry > 0 {
		e["retry"] = seconds(no.retry)
		if !r.begun {
			r.w.Header().Set("Retry-After", strconv.Itoa(seconds(no.retry)))
		}
	}
	r.end(no.status, map[string]any{"error": e})
}
