package dns

import (
	"strings"

	"github.com/cloister-ai/cloister/internal/site"
)

const privatelink = "privatelink."

// knownZones are the zones of Azure's private endpoints, without those that name
// a region. Source: Microsoft Learn, "Azure Private Endpoint private DNS zone
// values"; a zone that Microsoft adds is no error here, only not known.
func knownZones() []string {
	return []string{
		// Azure OpenAI, Foundry, search, machine learning
		"privatelink.openai.azure.com", "privatelink.cognitiveservices.azure.com", "privatelink.services.ai.azure.com",
		"privatelink.search.windows.net", "privatelink.api.azureml.ms", "privatelink.notebooks.azure.net",
		"privatelink.inference.ml.azure.com", "privatelink.directline.botframework.com", "privatelink.token.botframework.com",
		// API Management, Key Vault, App Configuration
		"privatelink.azure-api.net", "privatelink.vaultcore.azure.net", "privatelink.managedhsm.azure.net",
		"privatelink.azconfig.io", "privatelink.attest.azure.net",
		// Azure Monitor
		"privatelink.monitor.azure.com", "privatelink.oms.opinsights.azure.com", "privatelink.ods.opinsights.azure.com",
		"privatelink.agentsvc.azure-automation.net", "privatelink.applicationinsights.io", "privatelink.grafana.azure.com",
		// events
		"privatelink.servicebus.windows.net", "privatelink.eventgrid.azure.net", "privatelink.ts.eventgrid.azure.net",
		"privatelink.azure-devices.net", "privatelink.azure-devices-provisioning.net", "privatelink.api.adu.microsoft.com",
		"privatelink.azureiotcentral.com", "privatelink.digitaltwins.azure.net", "privatelink.service.signalr.net", "privatelink.webpubsub.azure.com",
		// storage
		"privatelink.blob.core.windows.net", "privatelink.table.core.windows.net", "privatelink.queue.core.windows.net",
		"privatelink.file.core.windows.net", "privatelink.web.core.windows.net", "privatelink.dfs.core.windows.net",
		"privatelink.afs.azure.net", "privatelink.blob.storage.azure.net",
		// databases and caches
		"privatelink.database.windows.net", "privatelink.documents.azure.com", "privatelink.mongo.cosmos.azure.com",
		"privatelink.mongocluster.cosmos.azure.com", "privatelink.cassandra.cosmos.azure.com", "privatelink.gremlin.cosmos.azure.com",
		"privatelink.table.cosmos.azure.com", "privatelink.analytics.cosmos.azure.com", "privatelink.postgres.cosmos.azure.com",
		"privatelink.postgres.database.azure.com", "privatelink.mysql.database.azure.com", "privatelink.mariadb.database.azure.com",
		"privatelink.redis.cache.windows.net", "privatelink.redis.azure.net", "privatelink.redisenterprise.cache.azure.net",
		"privatelink.sql.azuresynapse.net", "privatelink.dev.azuresynapse.net", "privatelink.azuresynapse.net",
		// data
		"privatelink.datafactory.azure.net", "privatelink.adf.azure.com", "privatelink.azurehdinsight.net", "privatelink.azuredatabricks.net",
		"privatelink.fabric.microsoft.com", "privatelink.analysis.windows.net", "privatelink.pbidedicated.windows.net", "privatelink.tip1.powerquery.microsoft.com",
		"privatelink.purview.azure.com", "privatelink.purviewstudio.azure.com", "privatelink.purview-service.microsoft.com",
		"privatelink.dicom.azurehealthcareapis.com", "privatelink.fhir.azurehealthcareapis.com", "privatelink.workspace.azurehealthcareapis.com",
		// compute, registries, the web, management
		"privatelink.azurecr.io", "privatelink.azurewebsites.net", "privatelink.azurestaticapps.net", "privatelink.azure-automation.net",
		"privatelink.azure.com", "privatelink.his.arc.azure.com", "privatelink.guestconfiguration.azure.com", "privatelink.dp.kubernetesconfiguration.azure.com",
		"privatelink.siterecovery.windowsazure.com", "privatelink.prod.migration.windowsazure.com", "privatelink.media.azure.net",
		"privatelink.wvd.microsoft.com", "privatelink-global.wvd.microsoft.com",
	}
}

// suffixes are the endings of the public names that lead to a privatelink zone:
// as a rule the zone without its first label.
func suffixes(zone string) []string {
	switch rest, ok := strings.CutPrefix(zone, privatelink); {
	case zone == "privatelink.vaultcore.azure.net":
		return []string{"vault.azure.net", "vaultcore.azure.net"}
	case zone == "privatelink.sql.azuresynapse.net":
		return []string{"sql.azuresynapse.net", "sqlondemand.azuresynapse.net"}
	case zone == "privatelink.api.azureml.ms":
		return []string{"api.azureml.ms", "instances.azureml.ms"}
	case ok:
		return []string{rest}
	}
	return nil
}

// relative is what a zone group calls a name in a zone: "contoso" for
// contoso.openai.azure.com in privatelink.openai.azure.com.
func relative(name, zone string) (string, bool) {
	for _, s := range append(suffixes(zone), zone) {
		if name == s {
			return "@", true
		}
		if rel, ok := strings.CutSuffix(name, "."+s); ok {
			return rel, true
		}
	}
	return "", false
}

// alias is the privatelink name that Azure's public DNS leads a service's name
// to; empty where it leads to none. The zones of the endpoint count before the
// known ones, so that a site may have services that Azure has not.
func alias(name string, zones []*site.PrivateZone) string {
	best, longest := "", -1
	look := func(zone string) {
		if !strings.HasPrefix(zone, privatelink) || within(name, zone) {
			return
		}
		for _, s := range suffixes(zone) {
			if rel, ok := strings.CutSuffix(name, "."+s); ok && len(s) > longest {
				best, longest = rel+"."+zone, len(s)
			}
		}
	}
	for _, z := range zones {
		look(z.Name)
	}
	if best != "" {
		return best
	}
	for _, z := range knownZones() {
		if z != "privatelink.azure.com" { // portal and management: it would swallow every other name
			look(z)
		}
	}
	return best
}
