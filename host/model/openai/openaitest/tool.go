package openaitest

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Tool is a tool that a request offers.
type Tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	// Strict is nil when it was not sent.
	Strict *bool `json:"strict"`
}

// chatTool is how Chat nests a Tool.
type chatTool struct {
	Type     string `json:"type"`
	Function Tool   `json:"function"`
}

// responseTool is how Responses has one.
type responseTool struct {
	Type string `json:"type"`
	Tool
}

// maxTools is how many OpenAI takes.
const maxTools = 128

// checkTools refuses what OpenAI refuses.
func checkTools(tools []Tool) error {
	if len(tools) > maxTools {
		return fmt.Errorf("invalid 'tools': array too long, at most %d", maxTools)
	}
	for _, tool := range tools {
		if !formatName.MatchString(tool.Name) {
			return fmt.Errorf("invalid 'tools' name %q: string does not match pattern", tool.Name)
		}
		if err := checkParameters(tool.Parameters); err != nil {
			return fmt.Errorf("invalid schema for function '%s': %w", tool.Name, err)
		}
	}
	return nil
}

func checkParameters(text json.RawMessage) error {
	var schema map[string]any
	if err := json.Unmarshal(text, &schema); err != nil {
		return err
	}
	if schema["type"] != "object" {
		return errors.New("schema must be a JSON Schema of 'type: \"object\"'")
	}
	if schema["properties"] == nil {
		return errors.New("object schema missing properties")
	}
	return nil
}
