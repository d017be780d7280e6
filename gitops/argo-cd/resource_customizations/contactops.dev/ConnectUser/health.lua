-- The conditions follow kstatus: Ready is Unknown while the operator works, and Reconciling or Stalled are present
-- only while they are True. Argo CD itself deals with objects that are being deleted.
local annotations = obj.metadata.annotations or {}
if (obj.spec ~= nil and obj.spec.suspend) or annotations["contactops.dev/suspend"] == "true" then
  return { status = "Suspended", message = "Suspended: nothing is changed in Amazon Connect" }
end

local status = obj.status or {}
if status.observedGeneration ~= obj.metadata.generation then
  return { status = "Progressing", message = "Waiting for the operator to see the object" }
end

local found = {}
for _, condition in ipairs(status.conditions or {}) do
  found[condition.type] = condition
end
local ready = found["Ready"]
if ready == nil then
  return { status = "Progressing", message = "Waiting for the operator" }
end

local health = { status = "Progressing", message = ready.reason .. ": " .. ready.message }
if found["Stalled"] ~= nil then
  -- It needs a person.
  health.status = "Degraded"
elseif found["Reconciling"] ~= nil then
  -- The operator goes on by itself, also where Ready is False for now.
  health.status = "Progressing"
elseif ready.status == "True" then
  health.status = "Healthy"
elseif ready.status == "False" then
  health.status = "Degraded"
end
return health
