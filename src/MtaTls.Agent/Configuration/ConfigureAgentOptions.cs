using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Agent.Configuration;

/// <summary>Reads <see cref="MtaTlsAgentOptions"/> from the section <c>MtaTlsAgent</c>.</summary>
internal sealed class ConfigureAgentOptions(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsAgentOptions>
{
    public void Configure(MtaTlsAgentOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsAgentOptions.SectionName), options.ConfigurationErrors, environment.ContentRootPath).Read(AgentSettings.Table, options);
}
