package sandbox

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// qmp is QEMU's control connection. The guest cannot reach it.
type qmp struct {
	conn net.Conn
	mu   sync.Mutex // one command at a time
	out  chan qmpReply

	events struct {
		sync.Mutex
		shutdown string // reason of the SHUTDOWN event
		done     chan struct{}
	}
}

type qmpReply struct {
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Reason string `json:"reason"`
		Status string `json:"status"`
	} `json:"data"`
	QMP json.RawMessage `json:"QMP"`
}

// newQMP starts reading; the greeting is awaited by the first command.
func newQMP(conn net.Conn) *qmp {
	q := &qmp{conn: conn, out: make(chan qmpReply, 4)}
	q.events.done = make(chan struct{})
	go q.read()
	return q
}

func (q *qmp) read() {
	defer close(q.out)
	defer close(q.events.done)
	r := bufio.NewReader(q.conn)
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			return
		}
		var m qmpReply
		if json.Unmarshal(line, &m) != nil {
			continue
		}
		switch {
		case m.Event == "SHUTDOWN":
			q.events.Lock()
			q.events.shutdown = m.Data.Reason
			q.events.Unlock()
		case m.Event != "":
		default:
			select {
			case q.out <- m:
			case <-time.After(time.Second): // nobody asked
			}
		}
	}
}

// greet reads the greeting and enters command mode.
func (q *qmp) greet(timeout time.Duration) error {
	if _, err := q.wait(timeout); err != nil {
		return err
	}
	_, err := q.do("qmp_capabilities", nil)
	return err
}

func (q *qmp) wait(timeout time.Duration) (qmpReply, error) {
	select {
	case m, ok := <-q.out:
		if !ok {
			return m, errors.New("qmp: QEMU closed the connection")
		}
		if m.Error != nil {
			return m, fmt.Errorf("qmp: %s", m.Error.Desc)
		}
		return m, nil
	case <-time.After(timeout):
		return qmpReply{}, errors.New("qmp: no answer")
	}
}

// do runs one command.
func (q *qmp) do(command string, args any) (json.RawMessage, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	b, err := json.Marshal(struct {
		Execute   string `json:"execute"`
		Arguments any    `json:"arguments,omitempty"`
	}{command, args})
	if err != nil {
		return nil, err
	}
	if _, err := q.conn.Write(append(b, '\n')); err != nil {
		return nil, fmt.Errorf("qmp: %s: %w", command, err)
	}
	m, err := q.wait(10 * time.Second)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", command, err)
	}
	return m.Return, nil
}

// shutdownReason waits for QEMU to say why the guest ended; "" when it does not within d.
func (q *qmp) shutdownReason(d time.Duration) string {
	select {
	case <-q.events.done:
	case <-time.After(d):
	}
	q.events.Lock()
	defer q.events.Unlock()
	return q.events.shutdown
}
