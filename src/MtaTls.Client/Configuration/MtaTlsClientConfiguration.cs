using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using MtaTls.Configuration;

namespace MtaTls.Client.Configuration;

/// <summary>Reads <see cref="MtaTlsClientOptions"/> from a configuration section. Errors are kept in the options, and validation reports them together with its own.</summary>
internal static class MtaTlsClientConfiguration
{
    /// <summary>Reads a section into the options.</summary>
    /// <param name="section">The section.</param>
    /// <param name="options">The options that get the values.</param>
    /// <param name="contentRoot">The directory that relative paths start from.</param>
    public static void Apply(IConfigurationSection section, MtaTlsClientOptions options, string contentRoot)
    {
        options.ConfigurationKey = section.Path;
        new SectionReader(section, options.ConfigurationErrors, contentRoot).Read(MtaTlsClientSettings.Table, options);
    }

    /// <summary>Returns the host's content root, or the current directory if there is no host.</summary>
    public static string ContentRoot(IServiceProvider services) => services.GetService<IHostEnvironment>()?.ContentRootPath ?? Environment.CurrentDirectory;
}
