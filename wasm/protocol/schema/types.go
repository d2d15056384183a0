package schema

// typeStructs are the views of BTF. Requests are 50-55.
var typeStructs = []Struct{
	{Name: "TypeRow", Doc: "A type of a list.", Fields: []Field{
		{"id", "u32", ""},
		{"kind", "str", "struct, typedef, func ..."},
		{"text", "str", "As C names it: \"struct event *\"."},
		{"size", "u32", "Bytes; 0 for what has none."},
	}},

	{Name: "ListTypes", ID: 50, Reply: "TypeList", Doc: "Types of the object, or of the kernel that its programs run on.", Fields: []Field{
		{"kernel", "bool", ""}, {"filter", "str", "Part of the name; \"\" = all."}, {"from", "u32", ""}, {"count", "u32", "At most 1,000."},
	}},
	{Name: "DefineType", ID: 51, Reply: "Texts", Doc: "A type's definition in C with offsets, as one text; none when there is no such type.", Fields: []Field{
		{"kernel", "bool", ""}, {"type", "u32", "Its id."},
	}},
	{Name: "TypeList", ID: 178, Doc: "Types in the order of their ids.", Fields: []Field{
		{"total", "u32", "How many the filter lets through."}, {"types", "[]TypeRow", ""},
	}},
}
