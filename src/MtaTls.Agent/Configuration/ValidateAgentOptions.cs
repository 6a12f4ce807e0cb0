using Microsoft.Extensions.Options;
using MtaTls.Configuration;

namespace MtaTls.Agent.Configuration;

/// <summary>Validates <see cref="MtaTlsAgentOptions"/> and reports all errors together.</summary>
internal sealed class ValidateAgentOptions(AgentPlanFactory plans) : IValidateOptions<MtaTlsAgentOptions>
{
    public ValidateOptionsResult Validate(string? name, MtaTlsAgentOptions options)
    {
        ErrorList errors = new();
        errors.AddRange(options.ConfigurationErrors.All);
        plans.Create(options, errors);
        return errors.ToResult();
    }
}
