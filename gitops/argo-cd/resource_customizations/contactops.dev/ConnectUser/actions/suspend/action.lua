-- By annotation and not in the spec, which is Git's.
if obj.metadata.annotations == nil then
  obj.metadata.annotations = {}
end
obj.metadata.annotations["contactops.dev/suspend"] = "true"
return obj
