package policy

func blockEntry() entry {
	return entry{
		name: "block", sections: everySection, scopes: everyScope,
		does: "blocks requests", missing: "has no page in API Management's reference, so that nobody knows what it has to do",
		instead: "refuse requests with return-response, in a choose",
		tier:    tierC, page: page{
			intro:   "API Management's schemas know this policy; its reference does not say what it does or holds, so what stands in it is not looked at.",
			example: "<block />",
		},
		text: opaque,
	}
}
