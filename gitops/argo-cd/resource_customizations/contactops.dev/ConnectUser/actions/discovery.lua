local annotations = obj.metadata.annotations or {}
local by_spec = obj.spec ~= nil and obj.spec.suspend == true
local by_annotation = annotations["contactops.dev/suspend"] == "true"

local actions = {}
actions["reconcile"] = { ["disabled"] = by_spec or by_annotation }
actions["suspend"] = { ["disabled"] = by_spec or by_annotation }
-- What Git says is changed in Git.
actions["resume"] = { ["disabled"] = by_spec or not by_annotation }
return actions
