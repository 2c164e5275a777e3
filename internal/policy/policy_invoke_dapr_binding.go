package policy

func invokeDaprBindingEntry() entry {
	return entry{
		name: "invoke-dapr-binding", sections: inOutErr, scopes: everyScope, connects: true,
		does: "a Dapr output binding", missing: needsDapr,
		instead: "call what the binding stands for with send-request",
		tier:    tierC, page: page{
			intro: "Triggers an output binding of the Dapr runtime beside a self-hosted gateway.",
			example: `
<invoke-dapr-binding name="external-system" operation="create" response-variable-name="bound">
  <metadata>
    <item key="client-ip">@(context.Request.IpAddress)</item>
  </metadata>
  <data>@(context.Request.Body.As<string>(preserveContent: true))</data>
</invoke-dapr-binding>`,
		},
		attributes: append([]attribute{
			{name: "name", required: true, expected: "the name of the binding", expression: true},
			{name: "operation", expected: "the name of an operation of the binding"},
		}, daprAttributes()...),
		children: []child{
			{name: "metadata", expected: "keys and values for the binding", children: []child{
				{
					name: "item", many: true, expected: "a value", text: hasText, expression: true,
					attributes: []attribute{{name: "key", required: true, expected: "its key"}},
				},
			}},
			{name: "data", expected: "the message", text: hasText, expression: true},
		},
	}
}
