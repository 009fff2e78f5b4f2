// Package protobuf reads and writes protocol buffers field by field, without their definitions.
package protobuf

import (
	"encoding/binary"
	"errors"
	"math"
)

var errMalformed = errors.New("malformed protocol buffer")

// Field is one field of a message as it is on the wire.
type Field struct {
	Number int
	// Value of a number, of whatever width.
	Value uint64
	// Bytes of a text or a message.
	Bytes []byte
}

// Each calls f for every field of a message, until one fails.
func Each(message []byte, f func(Field) error) error {
	for len(message) > 0 {
		field, rest, err := next(message)
		if err != nil {
			return err
		}
		if err := f(field); err != nil {
			return err
		}
		message = rest
	}
	return nil
}

func next(message []byte) (Field, []byte, error) {
	key, n := binary.Uvarint(message)
	if n <= 0 || key>>3 > math.MaxInt32 {
		return Field{}, nil, errMalformed
	}
	field, rest := Field{Number: int(key >> 3)}, message[n:]
	switch key & 7 {
	case 0:
		value, n := binary.Uvarint(rest)
		if n <= 0 {
			return field, nil, errMalformed
		}
		field.Value = value
		return field, rest[n:], nil
	case 1:
		if len(rest) < 8 {
			return field, nil, errMalformed
		}
		field.Value = binary.LittleEndian.Uint64(rest)
		return field, rest[8:], nil
	case 2:
		length, n := binary.Uvarint(rest)
		if n <= 0 || length > uint64(len(rest)-n) {
			return field, nil, errMalformed
		}
		end := n + int(length)
		field.Bytes = rest[n:end]
		return field, rest[end:], nil
	case 5:
		if len(rest) < 4 {
			return field, nil, errMalformed
		}
		field.Value = uint64(binary.LittleEndian.Uint32(rest))
		return field, rest[4:], nil
	}
	return field, nil, errMalformed
}

// Message is one that is being written.
type Message []byte

// Bytes appends a field with a text or a message.
func (m Message) Bytes(number int, value []byte) Message {
	m = binary.AppendUvarint(m, uint64(number)<<3|2)
	return append(binary.AppendUvarint(m, uint64(len(value))), value...)
}

// Text appends a field with a text.
func (m Message) Text(number int, value string) Message { return m.Bytes(number, []byte(value)) }

// Number appends a field with a whole number.
func (m Message) Number(number int, value uint64) Message {
	return binary.AppendUvarint(binary.AppendUvarint(m, uint64(number)<<3), value)
}

// Fixed appends a field with a number of eight bytes.
func (m Message) Fixed(number int, value uint64) Message {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(m, uint64(number)<<3|1), value)
}
