package hook

// Layout is a struct that a program sees: its context or what it points to.
type Layout struct {
	Name   string // without "struct"
	Size   int    // bytes
	Fields []Field
}

// Field is a member of a Layout. Members of a union share an offset.
type Field struct {
	Name  string
	Type  string // C type of one element
	Off   int    // bytes
	Size  int    // bytes of one element
	Count int    // elements; 1 when it is no array
}

// Find is the field of that name, nil when there is none.
func (l *Layout) Find(name string) *Field {
	for i := range l.Fields {
		if l.Fields[i].Name == name {
			return &l.Fields[i]
		}
	}
	return nil
}

// At is the field that holds the byte at off, the first of a union; nil when
// it is padding or outside.
func (l *Layout) At(off int) *Field {
	for i := range l.Fields {
		if f := &l.Fields[i]; off >= f.Off && off < f.Off+f.Size*f.Count {
			return f
		}
	}
	return nil
}

var structs = [...]*Layout{
	&skBuff, &xdpMd, &sock, &sockAddr, &sysctl, &sockopt, &sockOps, &skMsgMd,
	&skReuseportMd, &skLookup, &cgroupDevCtx, &flowKeys, &tcpSock, &xdpSock,
	&ptRegsAMD64, &ptRegsARM64, &perfEventData, &nfCtx, &sockTuple,
	&fibLookup, &tunnelKey, &redirNeigh, &perfEventValue, &pidnsInfo,
}

// Struct is the layout of a UAPI struct by name, nil when it is unknown.
func Struct(name string) *Layout {
	for _, l := range structs {
		if l.Name == name {
			return l
		}
	}
	return nil
}
