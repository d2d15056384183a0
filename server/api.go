package server

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"skep/server/compile"
)

// apiError answers with an error as JSON: {"error":{"code","message"}}. The
// code is for programs and does not change, the message is for people.
func apiError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func apiNotFound(w http.ResponseWriter, r *http.Request) {
	apiError(w, http.StatusNotFound, "not-found", "there is no API at "+r.Method+" "+r.URL.Path)
}

// health answers load balancers and people: GET /healthz.
func (s *Server) health(w http.ResponseWriter, r *http.Request) {
	state := map[string]any{"ok": true, "version": s.cfg.Version, "uptime_s": int(time.Since(s.started).Seconds())}
	if s.cfg.Compiler != nil {
		state["compiler"] = s.cfg.Compiler.Version()
	} else if s.cfg.NoCompiler != nil {
		state["no_compiler"] = s.cfg.NoCompiler.Error()
	}
	writeJSON(w, http.StatusOK, state)
}

// compiler tells the page whether C can be compiled here: GET /api/compile.
func (s *Server) compiler(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Compiler == nil {
		s.unavailable(w)
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"compiler": s.cfg.Compiler.Version(), "max_source": compile.MaxSource})
}

func (s *Server) unavailable(w http.ResponseWriter) {
	message := compile.ErrUnavailable.Error()
	if s.cfg.NoCompiler != nil {
		message = s.cfg.NoCompiler.Error()
	}
	apiError(w, http.StatusNotImplemented, "no-compiler", message)
}

// compile compiles C: POST /api/compile with compile.Request, answered by
// compile.Result. Errors in the source are a result, status 200.
func (s *Server) compile(w http.ResponseWriter, r *http.Request) {
	if s.cfg.Compiler == nil {
		s.unavailable(w)
		return
	}
	var req compile.Request
	// JSON may need six bytes for one of the source.
	body := http.MaxBytesReader(w, r.Body, 6*compile.MaxSource)
	var tooLarge *http.MaxBytesError
	switch err := json.NewDecoder(body).Decode(&req); {
	case errors.As(err, &tooLarge):
		apiError(w, http.StatusRequestEntityTooLarge, "too-large", compile.ErrTooLarge.Error())
		return
	case err != nil:
		apiError(w, http.StatusBadRequest, "bad-json", "the request is not the JSON that is expected: "+err.Error())
		return
	}
	res, err := s.cfg.Compiler.Compile(r.Context(), req)
	switch {
	case err == nil:
		writeJSON(w, http.StatusOK, res)
	case errors.Is(err, compile.ErrTooLarge):
		apiError(w, http.StatusRequestEntityTooLarge, "too-large", err.Error())
	case errors.Is(err, compile.ErrOption):
		apiError(w, http.StatusBadRequest, "bad-option", err.Error())
	case errors.Is(err, compile.ErrBusy):
		w.Header().Set("Retry-After", "5")
		apiError(w, http.StatusServiceUnavailable, "busy", err.Error())
	case r.Context().Err() != nil: // the client went away
	default:
		s.cfg.Log.Error("compile", "error", err)
		apiError(w, http.StatusInternalServerError, "internal", "the compiler could not be started; the server's log says why")
	}
}
