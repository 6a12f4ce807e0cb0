using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.AspNetCore.Configuration;

/// <summary>Reads the section <c>MtaTls</c> into <see cref="MtaTlsOptions"/>, and keeps an error for every value that cannot be used.</summary>
internal sealed class ConfigureMtaTlsOptions(IConfiguration configuration, IHostEnvironment environment) : IConfigureOptions<MtaTlsOptions>
{
    public void Configure(MtaTlsOptions options)
        => new SectionReader(configuration.GetSection(MtaTlsSettings.SectionName), options.ConfigurationErrors, environment.ContentRootPath)
            .Read(MtaTlsSettings.Table, options, MtaTlsSettings.OfOthers);
}
