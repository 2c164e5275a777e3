package policy

func xslTransformEntry() entry {
	return entry{
		name: "xsl-transform", sections: inOut, scopes: everyScope,
		does:    "XSLT on the body",
		missing: "needs an XSLT processor, and there is none here", instead: "transform the body with set-body: an expression over As<XElement>(), or a Liquid template",
		tier: tierC, page: page{
			intro: "Transforms the XML body of the request (inbound) or of the answer (outbound) with an XSLT 1.0 stylesheet.",
			example: `
<!-- outbound -->
<xsl-transform>
  <parameter name="agent">@(context.Request.Headers.GetValueOrDefault("User-Agent", "none"))</parameter>
  <xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
    <xsl:param name="agent" />
    <xsl:template match="/"><seen><xsl:value-of select="$agent" /></seen></xsl:template>
  </xsl:stylesheet>
</xsl-transform>`,
			behaviour: []string{
				"The parameters and their expressions are checked. Of the stylesheet it is only seen that it is there.",
			},
		},
		children: []child{
			{name: "parameter", many: true, expected: "the value of a parameter of the stylesheet", text: hasText, expression: true, attributes: []attribute{
				{name: "name", expected: "the parameter's name"},
				{name: "parameter-name", expected: "the same, as the reference's statement has it"},
			}},
			{name: "xsl:stylesheet", required: true, expected: "an XSLT 1.0 stylesheet", text: opaque},
		},
	}
}
