using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Dashboard.Configuration;

/// <summary>Reads <see cref="MtaTlsDashboardOptions"/> from the section <c>MtaTlsDashboard</c>.</summary>
internal sealed class ConfigureDashboardOptions(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsDashboardOptions>
{
    public void Configure(MtaTlsDashboardOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsDashboardOptions.SectionName), options.ConfigurationErrors, environment.ContentRootPath).Read(DashboardSettings.Table, options);
}
