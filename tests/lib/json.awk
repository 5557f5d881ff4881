# SPDX-License-Identifier: GPL-2.0-only
# Flattens one JSON value a line into "path<TAB>value" lines: clears[0].wall.count<TAB>5.
# Strings lose their quotes but keep their escapes; an empty array or object is [] or {}.
# With the variable "want" set, prints only the value at that path.

function emit(path, value) {
	if (want == "")
		print path "\t" value
	else if (path == want)
		print value
}

function blank() {
	if (match(text, /^[ \t\r]+/))
		text = substr(text, RLENGTH + 1)
}

function string(    s) {
	if (!match(text, /^"([^"\\]|\\.)*"/))
		return fail("a string")
	s = substr(text, 2, RLENGTH - 2)
	text = substr(text, RLENGTH + 1)
	return s
}

function fail(what) {
	print "json: expected " what " at: " substr(text, 1, 40) > "/dev/stderr"
	failed = 1
	exit 1
}

function children(path, close_with,    n, key, empty) {
	text = substr(text, 2)
	blank()
	empty = close_with == "}" ? "{}" : "[]"
	if (substr(text, 1, 1) == close_with) {
		text = substr(text, 2)
		emit(path, empty)
		return
	}
	for (n = 0; !failed; n++) {
		if (close_with == "}") {
			key = string()
			blank()
			if (substr(text, 1, 1) != ":")
				fail("a colon")
			text = substr(text, 2)
			value(path == "" ? key : path "." key)
		} else {
			value(path "[" n "]")
		}
		blank()
		key = substr(text, 1, 1)
		text = substr(text, 2)
		if (key == close_with)
			return
		if (key != ",")
			fail("a comma or " close_with)
		blank()
	}
}

function value(path,    c) {
	blank()
	c = substr(text, 1, 1)
	if (c == "{")
		children(path, "}")
	else if (c == "[")
		children(path, "]")
	else if (c == "\"")
		emit(path, string())
	else if (match(text, /^(-?[0-9][0-9.eE+-]*|true|false|null)/)) {
		c = substr(text, 1, RLENGTH)
		text = substr(text, RLENGTH + 1)
		emit(path, c)
	} else
		fail("a value")
}

{
	text = $0
	value("")
	blank()
	if (text != "")
		fail("the end of the line")
}
