package real

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

// Bounds of a socket. An object of 2 MiB is 2.7 MB in base64.
const (
	maxFirst     = 4 << 20
	maxNext      = 64 << 10
	firstTimeout = 15 * time.Second
	sendTimeout  = 10 * time.Second
	pingEvery    = 20 * time.Second
	deadAfter    = 50 * time.Second
	messageRate  = 100 // a second, with bursts of twice as many
)

// upgrader checks the origin: only our own pages may open a socket. Gorilla compares Origin with Host; a client that
// sends no Origin is no browser, and has nobody's cookies but its own.
var upgrader = websocket.Upgrader{HandshakeTimeout: firstTimeout, ReadBufferSize: 4 << 10, WriteBufferSize: 16 << 10,
	Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
		http.Error(w, reason.Error(), status)
	}}

// socket is GET /api/real/socket: a session, or a part of one.
func (s *Service) socket(w http.ResponseWriter, r *http.Request) {
	visitor, address := visitorOf(r)
	c, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		s.cfg.Log.Debug("real: socket", "error", err)
		return // the answer is sent
	}
	defer c.Close()
	c.SetReadLimit(maxFirst)
	c.SetReadDeadline(time.Now().Add(firstTimeout))
	var req Request
	x, err := (*session)(nil), c.ReadJSON(&req)
	if err != nil {
		err = &endError{codeBad, "the first message says what to do"}
	} else if req.Do == doResume {
		x, err = s.resume(req.Token, visitor)
	} else {
		x, err = s.start(req, visitor, address)
	}
	if err != nil {
		c.SetWriteDeadline(time.Now().Add(sendTimeout))
		c.WriteJSON(s.endMessage(err))
		closeSocket(c, websocket.CloseNormalClosure)
		return
	}
	id := x.attach(req.Seen)
	defer x.detach(id)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		defer stop()
		x.receive(ctx, c)
	}()
	x.deliver(ctx, c, id, req.Seen)
}

// deliver sends the session's messages from number i on, until the session's end, the socket's, or a newer socket.
func (x *session) deliver(ctx context.Context, c *websocket.Conn, id, i int) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	go func() {
		for {
			select {
			case <-ping.C:
				c.WriteControl(websocket.PingMessage, nil, time.Now().Add(sendTimeout))
			case <-ctx.Done():
				return
			}
		}
	}()
	for {
		f, at, ok := x.h.next(ctx, i)
		if !ok || !x.reads(id) {
			closeSocket(c, websocket.CloseNormalClosure)
			return
		}
		c.SetWriteDeadline(time.Now().Add(sendTimeout))
		if at != i && c.WriteJSON(Message{Is: isGap, Dropped: at - i}) != nil {
			return
		}
		i = at + 1
		kind := websocket.TextMessage
		if f.binary {
			kind = websocket.BinaryMessage
		}
		if c.WriteMessage(kind, f.b) != nil {
			return
		}
	}
}

func (x *session) reads(id int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return id == x.reader
}

// receive hands the page's messages to the session, bounded in size and rate.
func (x *session) receive(ctx context.Context, c *websocket.Conn) {
	alive := func(string) error { return c.SetReadDeadline(time.Now().Add(deadAfter)) }
	c.SetPongHandler(alive)
	c.SetReadLimit(maxNext)
	pace := rate.NewLimiter(messageRate, 2*messageRate)
	for {
		alive("")
		kind, b, err := c.ReadMessage()
		if err != nil || pace.Wait(ctx) != nil {
			return
		}
		if kind == websocket.BinaryMessage {
			select {
			case x.typed <- b:
			case <-x.done:
			case <-ctx.Done():
				return
			}
			continue
		}
		var req Request
		if err := json.Unmarshal(b, &req); err != nil {
			x.send(Message{Is: isError, Code: codeBad, Text: "that message is not understood"})
			continue
		}
		select {
		case x.requests <- req:
		case <-x.done:
		case <-ctx.Done():
			return
		}
	}
}

func closeSocket(c *websocket.Conn, code int) {
	err := c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), time.Now().Add(time.Second))
	if err != nil && !errors.Is(err, websocket.ErrCloseSent) {
		return // it is closed by the caller
	}
}
