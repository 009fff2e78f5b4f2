// Package otlp reads what requests of OpenTelemetry's protocol have in common, and carries them over gRPC.
package otlp

import (
	"encoding/hex"
	"fmt"
	"math"
	"strconv"

	"daybreak/lab/standins/internal/protobuf"
)

// Messages calls f for every field of that number.
func Messages(message []byte, number int, f func([]byte) error) error {
	return protobuf.Each(message, func(field protobuf.Field) error {
		if field.Number != number {
			return nil
		}
		return f(field.Bytes)
	})
}

// Attributes calls f for every KeyValue in the fields of that number.
func Attributes(message []byte, number int, f func(key, value string)) error {
	return Messages(message, number, func(pair []byte) error {
		var key, value string
		err := protobuf.Each(pair, func(field protobuf.Field) (err error) {
			switch field.Number {
			case 1:
				key = string(field.Bytes)
			case 2:
				value, err = Value(field.Bytes)
			}
			return err
		})
		if err == nil {
			f(key, value)
		}
		return err
	})
}

// Value is a value as text; lists and maps are of no use here.
func Value(message []byte) (string, error) {
	var text string
	err := protobuf.Each(message, func(field protobuf.Field) error {
		switch field.Number {
		case 1:
			text = string(field.Bytes)
		case 2:
			text = strconv.FormatBool(field.Value != 0)
		case 3:
			text = strconv.FormatInt(int64(field.Value), 10)
		case 4:
			text = strconv.FormatFloat(math.Float64frombits(field.Value), 'g', -1, 64)
		case 7:
			text = hex.EncodeToString(field.Bytes)
		default:
			text = fmt.Sprintf("(a value of kind %d)", field.Number)
		}
		return nil
	})
	return text, err
}

// Pair is an attribute with a text, as a message.
func Pair(key, value string) protobuf.Message {
	return protobuf.Message{}.Text(1, key).Bytes(2, protobuf.Message{}.Text(1, value))
}
