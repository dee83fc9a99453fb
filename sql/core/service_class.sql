-- grain: One row per service class, class of the other classification, and span in which it holds.
-- key: [classification_code, service_class_code, mapped_class_code, valid_from_date]
-- may_be_empty: the list may not have been delivered
select
    classification_code,
    service_class_code,
    service_class_name_fi,
    service_class_name_en,
    case classification_code
        when 'package' then 'aura'
        else 'package'
    end as mapped_classification_code,
    mapped_class_code,
    mapped_share,
    valid_from_date,
    valid_to_date
from current.service_classes
